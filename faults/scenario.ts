import type { Remote } from '../testing/index.js'
import type { Bus } from './bus.js'

export interface Terms {
  /** From 0 up to but without 1. */
  random: () => number
  /** Long or short: how often it is done. */
  times: (short: number, long: number) => number
}

/** Something that goes wrong on a bus. Throws when more was lost than had to be. */
export interface Scenario {
  name: string
  /** Why it cannot run here; undefined when it can. */
  unable?: () => string | undefined
  run(bus: Bus, terms: Terms): Promise<void>
}

export function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected ${what}`)
}

/** Events a second of each source; moderate, so that a slow machine does the same. */
export const RATE = 1500
/** For floods that are to fill the kernel's buffers: bytes of one event. */
export const PAD = 2000

const sides = (routers: readonly Remote[]) => ({
  sources: routers.map(({ endpoints }) => endpoints[0]!),
  sinks: routers.map(({ endpoints }) => endpoints[1]!),
})

interface Setting {
  routers?: number
  router?: object
  source?: object
  sink?: object
  pad?: number
  /** Where to dial instead of a router's own endpoint. */
  dial?: (endpoint: string) => Promise<string>
}

/** Routers side by side, sinks a and b, sources s0 to s2 that emit. */
export async function running(bus: Bus, setting: Setting = {}) {
  const { routers: count = 1, router = {}, source = {}, sink = {}, pad = 0 } = setting
  const { dial = async (endpoint) => endpoint } = setting
  const routers = await Promise.all(Array.from({ length: count }, () => bus.router(router)))
  const own = sides(routers)
  const ends = {
    sources: await Promise.all(own.sources.map(dial)),
    sinks: await Promise.all(own.sinks.map(dial)),
  }
  const sinks = await Promise.all(['a', 'b'].map((name) => bus.sink(name, ends.sinks, sink)))
  for (const router of routers) await bus.joined(router, sinks.length)
  const sources = await Promise.all(['s0', 's1', 's2'].map((name) => bus.source(name, ends.sources, source)))
  await bus.flow(sources, RATE, pad)
  await bus.traffic(1000)
  // Whoever is stopped before it was heard of is never missed.
  const heard = (name: string) => bus.sinks().some(({ sink }) => sink.endsWith(`/${name}`))
  await bus.passes('both sinks have reported', () => heard('a') && heard('b'))
  await bus.flowing()
  bus.noteMemory()
  return { routers, router: routers[0]!, ends, sinks, sources }
}
