/**
 * The program behind `Remote`: one source, router or sink in a process of its own, told what to do over the
 * process's channel. V8 collects in it as in the program `eventstorm`.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import {
  type AttachedSink,
  attach,
  type Clock,
  EventRouter,
  EventSource,
  relaxCollector,
  type SinkOptions,
  systemClock,
} from '../lib/index.js'

export type Command =
  | { emit: { type: string; count: number; turnEvery?: number } }
  | { flow: Flow }
  | { drain: true }
  | { look: true }

/** Events that a source goes on emitting, to all of the types in turn; none or a rate of 0 ends it. */
export interface Flow {
  types: string[]
  perSecond: number
  /** Bytes of text in each event. */
  pad?: number
}

/** What a role is started with beside its own options. */
export interface RoleExtras {
  /** How far its clock is ahead, milliseconds. */
  clockSkew?: number
  /** What a sink's writes take, milliseconds. */
  writeTime?: number
}

const say = (report: object) => process.send!(report)

function skewed(ms: number): Clock {
  return {
    ...systemClock,
    now: () => systemClock.now() + ms,
    micros: () => systemClock.micros() + ms * 1000,
  }
}

const roles = {
  async sink({ writeTime = 0, ...options }: SinkOptions & Pick<RoleExtras, 'writeTime'>) {
    const write = writeTime > 0 ? () => pause(writeTime) : () => {}
    const sink: AttachedSink = await attach({ write }, options)
    return { running: sink, endpoints: sink.endpoints }
  },
  async router(options: object) {
    const router = new EventRouter(options)
    return { running: router, endpoints: [...router.sourceEndpoints, ...router.sinkEndpoints] }
  },
  async source(options: object) {
    const source = new EventSource(options)
    return { running: source, endpoints: source.endpoints }
  },
}

/** Time between two portions of a flow, milliseconds. */
const PORTION = 10
let endFlow = () => {}

function start(source: EventSource, { types, perSecond, pad = 0 }: Flow): void {
  const text = 'x'.repeat(pad)
  let i = 0
  let emitted = 0
  let before = performance.now()
  const timer = setInterval(() => {
    // After a standstill it goes on from where it is and does not make up for it.
    const elapsed = Math.min(performance.now() - before, 10 * PORTION)
    before = performance.now()
    emitted += (perSecond * elapsed) / 1000
    for (; i < emitted; i++) source.emit(types[i % types.length]!, { i, text })
  }, PORTION)
  endFlow = () => clearInterval(timer)
}

async function obey(
  running: Awaited<ReturnType<(typeof roles)[keyof typeof roles]>>['running'],
  command: Command,
) {
  if ('emit' in command && running instanceof EventSource) {
    const { type, count, turnEvery = 100 } = command.emit
    await running.subscribed(type, { timeout: 30_000 })
    for (let i = 0; i < count; i++) {
      running.emit(type, { i })
      if (i % turnEvery === turnEvery - 1) await turn()
    }
    await turn()
  }
  if ('flow' in command && running instanceof EventSource) {
    endFlow()
    if (command.flow.perSecond > 0) start(running, command.flow)
    else await turn()
  }
  if ('drain' in command) endFlow()
  if ('drain' in command) await running.drain()
  const { rss } = process.memoryUsage()
  say({ done: true, counters: running.counters(), rss })
  if ('drain' in command) process.disconnect()
}

relaxCollector()
const [role, options = '{}'] = process.argv.slice(2)
const { clockSkew, ...given } = JSON.parse(options) as RoleExtras
const clock = clockSkew === undefined ? {} : { clock: skewed(clockSkew) }
const { running, endpoints } = await roles[role as keyof typeof roles]({ ...given, ...clock })
process.on('message', (command: Command) => void obey(running, command))
// Whoever started it was killed, and nobody else would end it. After a drain it ends by itself.
process.on('disconnect', () => {
  if (running.status === 'running') process.exit(1)
})
say({ endpoints })
