import { EventSource } from '../lib/index.js'
import { RATE, running, type Scenario } from './scenario.js'

/** Sources at the same time. */
const AT_ONCE = 20

/** Sources that live for a few events. They are in one process: of the bus each is a stranger all the same. */
export const crowd: Scenario[] = [
  {
    name: 'many short-lived sources',
    async run(bus, { random, times }) {
      const { ends, sources } = await running(bus)
      const count = times(200, 2000)
      for (let done = 0; done < count; done += AT_ONCE) {
        const born = Array.from(
          { length: AT_ONCE },
          (_, i) =>
            new EventSource({
              source: `short-${done + i}`,
              connect: [...ends.sources, ...bus.reportsTo],
              reconnectInterval: '20ms',
            }),
        )
        await Promise.all(born.map((source) => source.subscribed('load.a', { timeout: 60_000 })))
        for (const source of born) {
          for (let i = random() * 100; i > 0; i--) source.emit('load.a', { i })
        }
        await Promise.all(born.map((source) => source.drain()))
      }
      await bus.flow(sources, RATE)
      await bus.traffic(500)
    },
  },
]
