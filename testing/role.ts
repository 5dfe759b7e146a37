/**
 * The program behind `Remote`: one source, router or sink in a process of its own, told what to do over the
 * process's channel.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type AttachedSink, attach, EventRouter, EventSource } from '../lib/index.js'

export type Command =
  | { emit: { type: string; count: number; turnEvery?: number } }
  | { drain: true }
  | { look: true }

const say = (report: object) => process.send!(report)

const roles = {
  async sink(options: object) {
    const sink: AttachedSink = await attach({ write: () => {} }, options)
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

async function obey(
  running: Awaited<ReturnType<(typeof roles)[keyof typeof roles]>>['running'],
  command: Command,
) {
  if ('emit' in command && running instanceof EventSource) {
    const { type, count, turnEvery = 100 } = command.emit
    await running.subscribed(type, { timeout: 10_000 })
    for (let i = 0; i < count; i++) {
      running.emit(type, { i })
      if (i % turnEvery === turnEvery - 1) await turn()
    }
    await turn()
  }
  if ('drain' in command) await running.drain()
  const { rss } = process.memoryUsage()
  say({ done: true, counters: running.counters(), rss })
  if ('drain' in command) process.disconnect()
}

const [role, options = '{}'] = process.argv.slice(2)
const { running, endpoints } = await roles[role as keyof typeof roles](JSON.parse(options))
process.on('message', (command: Command) => void obey(running, command))
say({ endpoints })
