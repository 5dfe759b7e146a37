/** The two who store, each a process of its own: `node store-roles.js loop|sink <options as JSON>`. */
import { attach, type SinkDefinition } from '../lib/index.js'
import { EVENT_TYPE, hit } from './event.js'
import { loadStore, type StoredHit } from './store.js'

interface Options {
  store: string
  place: unknown
  count: number
}

const say = (report: object) => process.send!(report)
const told = () => new Promise<void>((resolve) => process.once('message', () => resolve()))

function* hits(count: number): Generator<StoredHit> {
  const epoch = Date.now() * 1000
  for (let seq = 0; seq < count; seq++) {
    yield { time: new Date(), type: EVENT_TYPE, source: 'bench', epoch, seq, data: hit(seq) }
  }
}

/** Seconds since `begin`, and the CPU that this process has used meanwhile, in seconds. */
function spent(begin: number, before: NodeJS.CpuUsage) {
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - begin) / 1000, cpu: (user + system) / 1e6 }
}

const roles: Record<string, (options: Options) => Promise<void>> = {
  async loop({ store, place, count }) {
    const run = await (await loadStore(store)).open(place)
    say({ ready: true })
    await told()
    const [begin, before] = [performance.now(), process.cpuUsage()]
    await run(hits(count))
    say({ stored: count, ...spent(begin, before) })
  },

  /** The clock runs from the first event that arrives until the sink has stored all and is closed. */
  async sink({ store, place, count }) {
    const module = await import(`../sinks/${store}/${store}.js`)
    const definition = module.default as SinkDefinition
    const component = definition.create(definition.options.parse((await loadStore(store)).sink(place)))
    let [begin, before] = [0, process.cpuUsage()]
    const running = await attach(
      {
        open: (context) => component.open?.(context),
        write(batch, signal) {
          if (begin === 0) [begin, before] = [performance.now(), process.cpuUsage()]
          return component.write(batch, signal)
        },
        close: () => component.close?.(),
      },
      {
        ...definition.defaults,
        bind: ['tcp://127.0.0.1:0'],
        subscribe: [EVENT_TYPE],
        queueEvents: 10_000_000,
        queueBytes: '4GiB',
        maxMemory: 0,
      },
    )
    say({ ready: running.endpoints[0] })
    for (;;) {
      const { received, queued } = running.counters()
      if (received === count && queued === 0) break
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await running.drain(60_000)
    const { written, dropped, lost } = running.counters()
    say({ stored: written, dropped, lost, ...spent(begin, before) })
  },
}

process.once('disconnect', () => process.exit())

const [name = '', options = '{}'] = process.argv.slice(2)
await roles[name]!(JSON.parse(options))
