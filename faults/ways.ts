import { TcpProxy, type Weather } from '../testing/index.js'
import type { Bus } from './bus.js'
import { expect, PAD, running, type Scenario, type Terms } from './scenario.js'

/** A router that sources and sinks reach by ways of our own making. */
async function between(bus: Bus, { random }: Terms, options: Parameters<typeof running>[1] = {}) {
  const ways: TcpProxy[] = []
  const dial = async (endpoint: string) => {
    const way = bus.own(await TcpProxy.to(endpoint, random))
    ways.push(way)
    return way.endpoint
  }
  await running(bus, { ...options, dial })
  return ways
}

const FAR: Weather = { delay: 30, jitter: 40, loss: 0.05 }
const THIN: Weather = { bytesPerSecond: 300_000 }

/** What networks do to connections, done by proxies of ours: it can run everywhere. */
export const ways: Scenario[] = [
  {
    name: 'ways that delay and lose packets',
    async run(bus, terms) {
      const ways = await between(bus, terms)
      for (const way of ways) {
        way.weather = FAR
        await bus.traffic(terms.times(4000, 40_000))
        way.mend()
      }
      const { lost, settled } = await bus.settle()
      expect(!settled || lost === 0, 'what is only late not to be lost')
    },
  },
  {
    name: 'ways that are too thin',
    async run(bus, terms) {
      const narrow = { sendHighWaterMark: 100 }
      const ways = await between(bus, terms, { router: narrow, source: narrow, pad: PAD })
      for (const way of ways) {
        way.weather = THIN
        await bus.traffic(terms.times(8000, 40_000))
        way.mend()
        await bus.traffic(1000)
      }
    },
  },
  {
    name: 'ways cut again and again',
    async run(bus, terms) {
      const ways = await between(bus, terms)
      for (let i = 0; i < terms.times(10, 100); i++) {
        const way = ways[Math.floor(terms.random() * ways.length)]!
        way.cut({ refuse: terms.random() < 0.5 })
        if (terms.random() < 0.5) await bus.reports(1)
        way.mend()
        if (terms.random() < 0.5) await bus.reports(1 + Math.floor(terms.random() * 3))
      }
      await bus.flowing()
    },
  },
  {
    name: 'ways that hang, and then break',
    async run(bus, terms) {
      const narrow = { sendHighWaterMark: 300 }
      const ways = await between(bus, terms, { router: narrow, source: narrow, pad: PAD })
      for (let i = 0; i < terms.times(2, 10); i++) {
        const way = ways[i % ways.length]!
        way.hang()
        await bus.traffic(4000 + terms.random() * 4000)
        way.cut()
        way.mend()
        await bus.flowing()
      }
    },
  },
]
