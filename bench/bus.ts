import { RoleProcess } from './processes.js'

/** A bus of many: sources and sinks, with a router between them. */
export interface BusOptions {
  sources: number
  types: number
  subscriptions: number
  sinks: number
  /** Bytes of an event of BSON, about. */
  bytes: number
  /** Events of one source and type in a row; a hundred of them are a message. */
  row: number
  /** Whether sinks decode their events or only read a number in the bytes. */
  look: 'all' | 'number'
}

export interface BusFigures {
  /** From the first word to the last event, seconds. */
  seconds: number
  /** CPU, seconds. */
  sources: number
  router: number
  sinks: number
  lost: number
  right: boolean
}

/**
 * Many processes cost more than one on two cores, whatever they do, and that is not what is asked: four sources in four
 * processes took as much CPU as a thousand in four. A source takes some four files, so this needs `ulimit -n 8192`.
 */
const SOURCES_A_PROCESS = 1000

/** Runs `warmUp` events, then `count` measured ones, and checks that each sink got each event. */
export async function measureBus(options: BusOptions, warmUp: number, count: number): Promise<BusFigures> {
  const parts = Math.ceil(options.sources / SOURCES_A_PROCESS)
  const started: RoleProcess[] = []
  const start = (role: string, more: object, program?: string) => {
    const process = new RoleProcess(role, { ...options, parts, ...more }, program)
    started.push(process)
    return process
  }
  try {
    const router = start('router', {})
    const between = await router.report<{ ready: string; sinks: string }>('ready')
    const sinks = start('sinks', { endpoint: between.sinks }, './bus-roles.js')
    await sinks.report('ready')
    const sources = Array.from({ length: parts }, (_, part) =>
      start(
        'sources',
        { endpoint: between.ready, part, sources: Math.ceil(options.sources / parts) },
        './bus-roles.js',
      ),
    )
    for (const each of sources) await each.report('ready')
    await sinks.report('heard')
    for (const each of sources) {
      sinks.relay('taken', each)
      each.tell({ heard: true })
    }
    const upTo = async (each: number) => {
      for (const source of sources) source.tell({ upTo: each })
      sinks.tell({ upTo: each * parts })
      return sinks.report<{ arrived: number[]; sums: number[]; lost: number }>('arrived')
    }
    const share = (events: number) => Math.ceil(events / parts)
    await upTo(share(warmUp))
    const everybody = async () => ({
      sources: (await Promise.all(sources.map((each) => each.used()))).reduce((sum, each) => sum + each, 0),
      router: await router.used(),
      sinks: await sinks.used(),
    })
    await everybody()
    const begin = performance.now()
    const total = share(warmUp) + share(count)
    const { arrived, sums, lost } = await upTo(total)
    const seconds = (performance.now() - begin) / 1000
    const sum = (parts * total * (total - 1)) / 2
    const right =
      arrived.every((each) => each === total * parts) && sums.every((each) => each === sum) && lost === 0
    return { seconds, ...(await everybody()), lost, right }
  } finally {
    for (const process of started) await process.stop()
  }
}
