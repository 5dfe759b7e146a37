import { cpus } from 'node:os'
import type { NewEvent } from '../../lib/index.js'

/** The part of `systeminformation` that is used here. */
export type Driver = Pick<typeof import('systeminformation'), 'mem' | 'fsSize' | 'networkStats'>

/**
 * Measures one kind of thing and returns its events. What is a difference between two readings has no event
 * the first time.
 *
 * @param now milliseconds since 1970
 */
export type Reading = (now: number) => NewEvent[] | Promise<NewEvent[]>

export const READINGS = ['cpu', 'memory', 'disk', 'network'] as const
export type ReadingName = (typeof READINGS)[number]

const hundredths = (value: number) => Math.round(value * 100) / 100

/** Share of a whole in percent, 0 to 100, to two decimals. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? hundredths(Math.min(100, Math.max(0, (100 * part) / whole))) : 0
}

/** Processor time since boot, in milliseconds. */
export interface CpuTime {
  user: number
  system: number
  idle: number
}

/** One entry a core. The driver would keep the last reading in a place that all sources of a process share. */
function readCpuTimes(): CpuTime[] {
  return cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({
    user: user + nice,
    system: sys + irq,
    idle,
  }))
}

/** How busy the processors were between two readings; undefined when no time has passed, or a core came or went. */
export function cpuUsage(before: CpuTime[], after: CpuTime[]) {
  if (before.length !== after.length) return undefined
  const cores = after.map((core, i) => ({
    user: core.user - before[i]!.user,
    system: core.system - before[i]!.system,
    idle: core.idle - before[i]!.idle,
  }))
  const sum = (name: keyof CpuTime) => cores.reduce((total, core) => total + core[name], 0)
  const [user, system] = [sum('user'), sum('system')]
  const whole = user + system + sum('idle')
  if (whole <= 0) return undefined
  return {
    percent: percent(user + system, whole),
    userPercent: percent(user, whole),
    systemPercent: percent(system, whole),
    corePercents: cores.map((core) => percent(core.user + core.system, core.user + core.system + core.idle)),
  }
}

function cpuReading(read: () => CpuTime[] = readCpuTimes): Reading {
  let before: CpuTime[] = []
  return () => {
    const after = read()
    const data = cpuUsage(before, after)
    before = after
    return data === undefined ? [] : [{ type: 'cpu.usage', data }]
  }
}

function memoryReading(driver: Driver): Reading {
  return async () => {
    const { total, available, swaptotal, swapused } = await driver.mem()
    if (!(total > 0)) throw new Error(`expected the size of the memory in bytes, got ${total}`)
    const used = total - available
    const data = {
      percent: percent(used, total),
      total,
      used,
      available,
      swapTotal: swaptotal,
      swapUsed: swapused,
    }
    return [{ type: 'memory.usage', data }]
  }
}

function diskReading(driver: Driver): Reading {
  return async () =>
    (await driver.fsSize()).map(({ fs, type, mount, size, used, available }) => ({
      type: 'disk.usage',
      data: {
        mount,
        device: fs,
        filesystem: type,
        // As df has it: what is reserved for root counts neither as used nor as available.
        percent: percent(used, used + available),
        total: size,
        used,
        available,
      },
    }))
}

interface NetworkTotals {
  at: number
  received: number
  sent: number
}

function networkReading(driver: Driver): Reading {
  let before = new Map<string, NetworkTotals>()
  return async (now) => {
    const after = new Map<string, NetworkTotals>()
    const events: NewEvent[] = []
    for (const each of await driver.networkStats('*')) {
      const totals = { at: now, received: each.rx_bytes, sent: each.tx_bytes }
      after.set(each.iface, totals)
      const rates = networkRates(before.get(each.iface), totals)
      if (rates === undefined) continue
      const data = {
        interface: each.iface,
        state: each.operstate,
        ...rates,
        receivedBytes: each.rx_bytes,
        sentBytes: each.tx_bytes,
        receiveErrors: each.rx_errors,
        sendErrors: each.tx_errors,
        receiveDropped: each.rx_dropped,
        sendDropped: each.tx_dropped,
      }
      events.push({ type: 'network.usage', data })
    }
    before = after
    return events
  }
}

/** Undefined without an earlier reading, and when the totals began anew: the interface went away and came back. */
export function networkRates(before: NetworkTotals | undefined, after: NetworkTotals) {
  if (before === undefined || after.at <= before.at) return undefined
  if (after.received < before.received || after.sent < before.sent) return undefined
  const seconds = (after.at - before.at) / 1000
  return {
    receivedBytesPerSecond: hundredths((after.received - before.received) / seconds),
    sentBytesPerSecond: hundredths((after.sent - before.sent) / seconds),
  }
}

export function makeReadings(driver: Driver): Record<ReadingName, Reading> {
  return {
    cpu: cpuReading(),
    memory: memoryReading(driver),
    disk: diskReading(driver),
    network: networkReading(driver),
  }
}
