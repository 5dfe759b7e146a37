/** Numbers that something keeps about itself, as metrics show them; a nested record counts by reason. */
export type Counters = Record<string, number | Record<string, number>>

/**
 * How a number behaves: a `total` only grows, a `balance` adds up too but may be taken back (what was lost comes late
 * after all), a `level` is what is there at the moment.
 */
export type Nature = 'total' | 'balance' | 'level'

/** What a counter means, said once: for the metrics' HELP, for docs/METRICS.md, and for adding up. */
export interface CounterInfo {
  nature: Nature
  /** One sentence. */
  description: string
}

/** What the counters of something mean, by name. */
export type CounterInfos = Readonly<Record<string, CounterInfo>>

/** A counter that only grows. */
export const total = (description: string): CounterInfo => ({ nature: 'total', description })
/** A counter that adds up, and may be taken back. */
export const balance = (description: string): CounterInfo => ({ nature: 'balance', description })
/** What is there at the moment. */
export const level = (description: string): CounterInfo => ({ nature: 'level', description })

/** What was counted before and what is counted now as one; levels are those of now. What nobody described is a total. */
export function addCounters(infos: CounterInfos, before: Counters, now: Counters): Counters {
  const sum: Counters = { ...now }
  for (const [name, value] of Object.entries(before)) {
    if (infos[name]?.nature !== 'level') sum[name] = plus(value, now[name])
  }
  return sum
}

type Count = Counters[string]

function plus(a: Count, b: Count | undefined): Count {
  if (typeof a === 'number') return a + (typeof b === 'number' ? b : 0)
  const parts = typeof b === 'object' ? b : {}
  const sum = { ...parts }
  for (const [reason, count] of Object.entries(a)) sum[reason] = count + (parts[reason] ?? 0)
  return sum
}
