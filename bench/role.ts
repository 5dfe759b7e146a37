/** What the programs of benches that run as processes of their own have in common. */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { relaxCollector } from '../lib/index.js'
import { Checksum, type Hit } from './event.js'

export const say = (report: object) => process.send!(report)
/** Resolves when the bench says `go`. */
export function told(): Promise<void> {
  return new Promise((resolve) => {
    const listen = ({ go }: { go?: boolean }) => {
      if (!go) return
      process.off('message', listen)
      resolve()
    }
    process.on('message', listen)
  })
}

/** Microseconds of the clock that all processes of the machine share. */
export const monotonic = () => Number(process.hrtime.bigint()) / 1000

/** Nothing is to be lost while speed is measured, so the queues may hold everything; a `Window` bounds what is there. */
export const UNBOUNDED = 10_000_000

/** After so long without an event nothing comes any more, milliseconds: a busy machine may let a process wait for seconds. */
const IDLE = 10_000

/** How many events may be on the way: some 16 MB of them. */
const WINDOW = 40_000
const TOLD_EVERY = WINDOW / 4

/** CPU of this process since the call, in seconds. */
export function cpu(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1e6
  }
}

/** Answers `mark` with the CPU used since the mark before. */
export function marks(): void {
  let used = cpu()
  process.on('message', ({ mark }: { mark?: boolean }) => {
    if (!mark) return
    say({ used: used() })
    used = cpu()
  })
}

/** The flow control of all who are compared: a sender waits while too much of what it sent has not been taken. */
export class Window {
  #size: number
  #taken = 0
  #wake = () => {}

  /** @param size events that may be on the way */
  constructor(size = WINDOW) {
    this.#size = size
    process.on('message', ({ taken = 0 }: { taken?: number }) => {
      this.#taken = Math.max(this.#taken, taken)
      this.#wake()
    })
  }

  async room(sent: number): Promise<void> {
    while (sent - this.#taken >= this.#size) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

export interface Tally {
  readonly sum: Checksum
  /** To be called before the first of some events is added. */
  begin(): void
  /** To be called after some events were added. */
  added(): void
}

/** Counts what arrives until all is there or nothing has come for a while, and reports. Tells how far it is. */
export function countUpTo(count: number, finish: () => object = () => ({})): Tally {
  const sum = new Checksum()
  const used = cpu()
  let first = 0
  let idle: NodeJS.Timeout | undefined
  let seen = 0
  let tellAt = TOLD_EVERY
  const end = () => {
    clearInterval(idle)
    const seconds = (performance.now() - first) / 1000
    say({ received: sum.count, checksum: sum.value, seconds, cpu: used(), ...finish() })
  }
  return {
    sum,
    begin() {
      if (first > 0) return
      first = performance.now()
      idle = setInterval(() => {
        if (seen === sum.count) end()
        seen = sum.count
      }, IDLE)
    },
    added() {
      if (sum.count >= tellAt) {
        say({ taken: sum.count })
        tellAt = sum.count + TOLD_EVERY
      }
      if (sum.count === count) end()
    },
  }
}

/** The same for those who take whole events one by one. */
export function tally(count: number, finish: () => object): (event: Hit) => void {
  const { sum, begin, added } = countUpTo(count, finish)
  return (event) => {
    begin()
    sum.add(event)
    added()
  }
}

/** Runs V8's profiler from `{ profile: 'begin' }` until `{ profile: <file to write> }`. */
function profileWhenTold(): void {
  let session: Session | undefined
  process.on('message', async ({ profile }: { profile?: string }) => {
    if (profile === undefined) return
    if (session === undefined) {
      session = new Session()
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 1000 })
      await session.post('Profiler.start')
      say({ profiling: true })
    } else {
      const { profile: samples } = await session.post('Profiler.stop')
      writeFileSync(profile, JSON.stringify(samples))
      say({ profiled: true })
    }
  })
}

/**
 * Plays the role that the command line names, with its options as JSON. V8 is told to collect seldom, as the program
 * does, for whoever is compared; `"v8": true` leaves it alone.
 */
export async function play<Options>(
  roles: Record<string, (options: Options) => Promise<unknown>>,
): Promise<void> {
  // Whatever ends the bench ends its roles.
  process.once('disconnect', () => process.exit())
  profileWhenTold()
  const [name = '', json = '{}'] = process.argv.slice(2)
  const options = JSON.parse(json)
  if (!options.v8) relaxCollector()
  await roles[name]!(options)
}
