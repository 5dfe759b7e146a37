import { Counter, type Registry } from 'prom-client'
import { type Counters, reason } from '../../lib/index.js'
import { ensure } from '../http/metrics.js'
import { serveMetrics } from '../http/metrics-server.js'
import type { Observed } from '../http/observed.js'
import { createLog, type Log } from '../logging.js'
import type { Part, RunningPart } from '../pipeline/part.js'
import type { Pipeline } from '../pipeline/pipeline.js'
import { haveArrived } from './arrival.js'
import { Members } from './members.js'
import { run } from './run.js'

/** A part at work. */
export type Started = Observed & { part: Part }

export interface RunPipelineOptions {
  /** Says what runs; without it each part gets a line in the log. */
  greet?: ((started: readonly Started[]) => void) | undefined
  /** Reads the pipeline once more, at SIGHUP. Throws when it is bad. Without it SIGHUP is not taken. */
  reread?: (() => Promise<Pipeline>) | undefined
}

/**
 * Runs a checked pipeline. A component that fails is started again; one that cannot be started in the first place ends
 * the program, since then the file, or the machine, is not what somebody thought. Nobody waits for the store of a sink:
 * what arrives before it is open is queued.
 */
export async function runPipeline(
  pipeline: Pick<Pipeline, 'settings'> & { parts: readonly Part[] },
  { greet, reread }: RunPipelineOptions = {},
): Promise<void> {
  const { parts, settings } = pipeline
  const log = createLog({ level: settings.logLevel })
  const members = new Members(log, settings)
  members.begin(parts)
  const reloading = reread && new Reloading(reread, members, log, settings)
  const ended = run(members.all, {
    log,
    serve() {
      if (settings.metrics === undefined) return undefined
      return serveMetrics(settings.metrics, {
        observed: () => members.observed(),
        add: (registry) => reloading?.addTo(registry),
      })
    },
    arrived: () => haveArrived(members.all),
    onStarted() {
      const started = members.observed()
      for (const { kind, name, running } of started) {
        const tell = () => log.of(name)[greet ? 'debug' : 'info'](whereabouts(running), `${kind} runs`)
        void running.opened.then(tell)
      }
      void Promise.all(started.map(({ running }) => running.opened)).then(() => greet?.(started))
    },
    ...(reloading && {
      reload: async () => {
        await reloading.read()
        return members.all
      },
    }),
  })
  await ended.finally(() => log.of('eventstorm').info({ parts: accounts(members) }, 'stopped'))
}

/** What became of the events, in the last line of the log: nobody can ask any more. */
const TOLD = ['sent', 'unwanted', 'received', 'lost', 'written', 'alreadyStored', 'dropped']

function accounts(members: Members): Record<string, Counters> {
  const told = members.observed().map(({ name, running }): [string, Counters] => {
    const counted = Object.entries(running.counters()).filter(([counter]) => TOLD.includes(counter))
    return [name, Object.fromEntries(counted.map(([counter, value]) => [counter, withoutZeros(value)]))]
  })
  return Object.fromEntries(told)
}

const withoutZeros = (value: Counters[string]): Counters[string] =>
  typeof value === 'number'
    ? value
    : Object.fromEntries(Object.entries(value).filter(([, count]) => count > 0))

/** Where it listens, and how a sink is doing. */
function whereabouts({ endpoints, sourceEndpoints, sinkEndpoints, state }: RunningPart): object {
  return {
    ...(state ? { state } : {}),
    ...(endpoints?.length ? { listening: endpoints } : {}),
    ...(sourceEndpoints ? { sources: sourceEndpoints } : {}),
    ...(sinkEndpoints ? { sinks: sinkEndpoints } : {}),
  }
}

/** What a signal to read the file again does: check all of it, and then either change what differs or nothing. */
class Reloading {
  #counts = { applied: 0, refused: 0 }
  #reread: () => Promise<Pipeline>
  #members: Members
  #log: Log
  #settings: Pipeline['settings']

  constructor(reread: () => Promise<Pipeline>, members: Members, log: Log, settings: Pipeline['settings']) {
    this.#reread = reread
    this.#members = members
    this.#log = log
    this.#settings = settings
  }

  async read(): Promise<void> {
    const own = this.#log.of('eventstorm')
    try {
      const { parts, settings } = await this.#reread()
      this.#adopt(settings)
      own.info({ ...this.#members.change(parts) }, 'the file was read again')
      this.#counts.applied++
    } catch (error) {
      this.#counts.refused++
      own.error({ problems: reason(error).split('\n') }, 'the new file is bad; everything goes on as it was')
    }
  }

  /** The level of the log is changed at once; the rest belongs to the process from its start. */
  #adopt({ logLevel, ...next }: Pipeline['settings']): void {
    this.#log.level = logLevel
    const names = Object.keys({ ...this.#settings, ...next }) as (keyof typeof next)[]
    const later = names.filter((name) => name in next && next[name] !== this.#settings[name])
    if (later.length > 0)
      this.#log.of('eventstorm').warn({ options: later }, 'taken when the program is started anew')
  }

  addTo(registry: Registry): void {
    addReloads(registry, this.#counts)
  }
}

export function addReloads(registry: Registry, counts: { applied: number; refused: number }): void {
  const reloads = ensure(registry, Counter, {
    name: 'eventstorm_reloads_total',
    help: 'Times that the pipeline file was read again: applied, or refused because it was bad.',
    labelNames: ['result'],
  })
  for (const [result, count] of Object.entries(counts)) reloads.inc({ result }, count)
}
