import { expect, PAD, RATE, running, type Scenario } from './scenario.js'

/** Each role killed, stopped, slow. */
export const processFaults: Scenario[] = [
  {
    name: 'source killed and started again',
    async run(bus, { random, times }) {
      const { sources, ends } = await running(bus)
      for (let i = 0; i < times(1, 10); i++) {
        const at = Math.floor(random() * sources.length)
        await bus.kill(sources[at]!)
        await bus.traffic(500 + random() * 1000)
        sources[at] = await bus.source(`s${at}`, ends.sources)
        await bus.flow([sources[at]!], RATE)
        await bus.traffic(500 + random() * 1000)
      }
    },
  },
  {
    name: 'source stopped and continued',
    async run(bus, { random, times }) {
      const { sources } = await running(bus)
      for (let i = 0; i < times(1, 10); i++) {
        const source = sources[Math.floor(random() * sources.length)]!
        source.pause()
        await bus.traffic(1000 + random() * 3000)
        source.resume()
        await bus.traffic(1000)
      }
    },
  },
  {
    name: 'router killed and started again',
    async run(bus, { random }) {
      const { router } = await running(bus)
      await bus.traffic(random() * 2000)
      await bus.kill(router)
      await bus.restarted(router)
      await bus.traffic(2000)
    },
  },
  {
    name: 'router stopped and continued',
    async run(bus, { random, times }) {
      const { router } = await running(bus, { pad: PAD, source: { sendHighWaterMark: 50 } })
      for (let i = 0; i < times(1, 5); i++) {
        router.pause()
        await bus.traffic(8000 + random() * 4000)
        router.resume()
        await bus.traffic(2000)
      }
    },
  },
  {
    name: 'restart storm of a router',
    async run(bus, { random, times }) {
      let { router } = await running(bus)
      for (let i = 0; i < times(5, 50); i++) {
        await bus.kill(router)
        router = await bus.restarted(router)
        if (random() < 0.5) await bus.traffic(random() * 500)
      }
      await bus.traffic(1000)
    },
  },
  {
    name: 'sink killed and started again',
    async run(bus, { random, times }) {
      const { sinks, ends } = await running(bus)
      for (let i = 0; i < times(1, 10); i++) {
        await bus.kill(sinks[0]!)
        await bus.traffic(500 + random() * 1000)
        sinks[0] = await bus.sink('a', ends.sinks)
        await bus.traffic(1000)
      }
      expect(bus.at('b').lost === 0, 'the other sink to lose nothing')
    },
  },
  {
    name: 'sink killed for good',
    async run(bus) {
      const { sinks } = await running(bus)
      await bus.kill(sinks[0]!)
      await bus.traffic(2000)
    },
  },
  {
    name: 'sink stalled at a shared router',
    async run(bus, { times }) {
      const { sinks, sources } = await running(bus, { pad: PAD, router: { sendHighWaterMark: 300 } })
      sinks[0]!.pause()
      for (let i = 0; i < times(6, 30); i++) {
        // Not one event more or later for the other, while the first stands still. In portions that its own queue holds:
        // on a slow machine it may be behind for a while.
        await bus.traffic(1500)
        await bus.flow(sources, 0)
        const sent = await bus.quiet('b')
        expect(bus.at('b').lost === 0, 'the other sink to lose nothing')
        expect(bus.at('b').received + bus.at('b').before === sent, 'the other sink to have everything')
        await bus.flow(sources, RATE, PAD)
      }
      await bus.isNamed('a', 'dead')
      sinks[0]!.resume()
      await bus.isNamed('a', 'alive')
      await bus.traffic(2000)
    },
  },
  {
    name: 'restart storm of a sink',
    async run(bus, { random, times }) {
      const { sinks, ends } = await running(bus)
      for (let i = 0; i < times(5, 50); i++) {
        await bus.kill(sinks[0]!)
        sinks[0] = await bus.sink('a', ends.sinks)
        if (random() < 0.5) await bus.traffic(random() * 500)
      }
      await bus.flowing()
      expect(bus.at('b').lost === 0, 'the other sink to lose nothing')
    },
  },
  {
    name: 'sinks that come and go',
    async run(bus, { random, times }) {
      const { ends } = await running(bus)
      for (let i = 0; i < times(5, 50); i++) {
        const guest = await bus.sink(`guest ${i % 5}`, ends.sinks)
        if (random() < 0.5) await bus.traffic(random() * 500)
        if (random() < 0.5) await bus.kill(guest)
        else await bus.drain(guest)
      }
      await bus.flowing()
      expect(bus.at('a').lost + bus.at('b').lost === 0, 'those that stay to lose nothing')
    },
  },
  {
    name: 'slow sink',
    async run(bus) {
      await running(bus, { sink: { writeTime: 50, batchEvents: 20, queueEvents: 500 } })
      await bus.passes('both drop events', () => bus.dropped('a') > 0 && bus.dropped('b') > 0)
      await bus.traffic(5000)
    },
  },
  {
    name: 'two routers side by side, one killed',
    async run(bus, { random, times }) {
      const { routers } = await running(bus, { routers: 2 })
      for (let i = 0; i < times(2, 20); i++) {
        // Both ways must be open before one may go.
        await bus.doubled()
        await bus.traffic(random() * 1000)
        const at = i % 2
        await bus.kill(routers[at]!)
        await bus.traffic(500 + random() * 1000)
        routers[at] = await bus.restarted(routers[at]!)
      }
      expect(bus.at('a').lost + bus.at('b').lost === 0, 'the other router to carry everything')
    },
  },
]
