/*
 * Two routers, so that no single one can fail: the source sends every event to both, the sink listens to both and discards
 * what comes twice. One of them, a process of its own, is killed while events flow; nothing is lost.
 *
 *     node dist/examples/two-routers.js
 *
 * It prints how many events were sent, received, discarded as duplicates and lost.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { attach, EventRouter, EventSource } from 'eventstorm'

if (process.argv[2] === 'router') await runRouter()
else await runAll()

/** What the two processes do that this program starts; the command for it is `eventstorm router`. */
async function runRouter(): Promise<void> {
  const router = new EventRouter({ bindSources: ['tcp://127.0.0.1:0'], bindSinks: ['tcp://127.0.0.1:0'] })
  process.send!({ sources: router.sourceEndpoints[0], sinks: router.sinkEndpoints[0] })
  process.once('disconnect', () => process.exit())
}

async function startRouter() {
  const child = fork(fileURLToPath(import.meta.url), ['router'])
  const [{ sources, sinks }] = (await once(child, 'message')) as [{ sources: string; sinks: string }]
  return { child, sources, sinks }
}

async function runAll(): Promise<void> {
  const routers = await Promise.all([startRouter(), startRouter()])
  const sink = await attach({ write() {} }, { connect: routers.map(({ sinks }) => sinks) })
  const source = new EventSource({ source: 'shop', connect: routers.map(({ sources }) => sources) })

  // Until each event comes twice, one of the two ways is not open yet. At leisure: while it is alone, the other may be slow.
  while (sink.counters().duplicate === 0) {
    await emit(10)
    await pause(10)
  }
  await emit(5000)
  routers[0]!.child.kill('SIGKILL')
  await emit(5000)
  await source.drain()
  while (sink.counters().received + sink.counters().lost < source.counters().sent) await turn()

  const { received, duplicate, lost } = sink.counters()
  console.log(`sent ${source.counters().sent}, received ${received}, lost ${lost}`)
  console.log(`${duplicate} came twice and were discarded`)
  await sink.drain()
  routers[1]!.child.disconnect()

  async function emit(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      source.emit('order.placed', { i })
      if (i % 10 === 9) await turn()
    }
  }
}
