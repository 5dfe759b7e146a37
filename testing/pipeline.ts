import { fileURLToPath } from 'node:url'
import type { PlacedPart } from '../cli/pipeline/pipeline.js'
import { ALONG_THE_WAY, KINDS } from '../cli/resolve.js'
import { quiet } from '../cli/run/quiet.js'
import {
  didYouMean,
  type EventSink,
  EventstormError,
  type RouterComponent,
  type Running,
  type SourceComponent,
  show,
} from '../lib/index.js'
import { ControlledClock } from './clock.js'
import { OwnEndpoints } from './own-endpoints.js'
import { type RecordingLog, recordingLog } from './recording-log.js'
import { until } from './until.js'

/** Parts of a pipeline are named as in its file: `web`, or `sources.web` where a sink has that name too. */
export interface TestPipelineOptions {
  /** The clock that all parts run on. Default: a new one. */
  clock?: ControlledClock
  /** What the file finds as `${NAME}`. Default: the environment of the process. */
  env?: Record<string, string>
  /** Options, as the file would have them, that go before those of the file: `{ web: { file: 'test.log' } }`. */
  options?: Record<string, Record<string, unknown>>
  /** Components that stand in the place of the file's: a `ManualSource` for a log, a `CollectingSink` for a database. */
  replace?: Record<string, SourceComponent | RouterComponent | EventSink>
}

type StartPart = (
  part: PlacedPart,
  log: RecordingLog['log'],
  clock: ControlledClock,
) => Promise<Running & { opened?: Promise<void> }>

/**
 * Runs all parts of a pipeline file in this process: on a clock that the test owns, at endpoints of its own, so that any
 * number of them run beside each other and beside the real one, and with other options and components where it says so.
 *
 *     const web = new ManualSource()
 *     const store = new CollectingSink()
 *     await using pipeline = await testPipeline('pipeline.yaml', { replace: { web, store } })
 *     await web.listenedTo('http.hit')
 *     web.emit({ type: 'http.hit', data: { status: 500 } })
 *     await pipeline.until('it is stored', () => store.events.length === 1)
 *
 * @throws PIPELINE_INVALID with every problem of the file; OPTIONS_INVALID for a name that is none of its parts, and for
 *   options that the part has not; whatever a part throws that cannot be started
 */
export async function testPipeline(
  path: string | URL,
  options: TestPipelineOptions = {},
): Promise<TestPipeline> {
  const file = path instanceof URL ? fileURLToPath(path) : path
  // The program itself reads the file, so that what is tested is what will run; loaded by those alone who test one.
  const [{ loadPipeline }, { checkPart, startPart }] = await Promise.all([
    import('../cli/pipeline/pipeline.js'),
    import('../cli/pipeline/part.js'),
  ])
  const { parts } = await loadPipeline(file, options.env)
  const pipeline = new TestPipeline(startPart, options.clock)
  const find = (name: string) => {
    const found = parts.filter(({ path }) => path[1] === name || path.join('.') === name)
    if (found.length === 1) return found[0]!
    const known = parts.map(({ path }) => path.join('.'))
    const complaint = found.length > 1 ? 'which is more than one' : 'which is none of its parts'
    throw new EventstormError(
      'OPTIONS_INVALID',
      `expected a part of ${file}, got ${show(name)}, ${complaint}.${didYouMean(name, known)} Known are: ${known.join(', ')}.`,
    )
  }
  for (const [name, more] of Object.entries(options.options ?? {})) {
    const part = find(name)
    const checked = checkPart(part.definition, part.name, { ...part.given, ...more })
    if (checked.part === undefined) {
      const told = checked.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
      throw new EventstormError('OPTIONS_INVALID', `${name}: ${told.join('; ')}`)
    }
    Object.assign(part, checked.part)
  }
  for (const [name, component] of Object.entries(options.replace ?? {})) {
    const part = find(name)
    part.definition = { ...part.definition, create: () => component } as typeof part.definition
  }
  await pipeline.start(parts)
  return pipeline
}

interface Member {
  part: PlacedPart
  running: Running
}

/** A pipeline at work in a test; see `testPipeline`. Leaving its scope closes all parts at once. */
export class TestPipeline implements AsyncDisposable {
  readonly clock: ControlledClock
  /** What its parts have logged. */
  readonly log: RecordingLog = recordingLog()
  /** Names of routers that lose every event for as long as they are in here; sinks behind them count that as `lost`. */
  readonly losing = new Set<string>()
  #startPart: StartPart
  #members: Member[] = []
  #endpoints = new OwnEndpoints()

  /** For `testPipeline` alone. */
  constructor(startPart: StartPart, clock = new ControlledClock()) {
    this.#startPart = startPart
    this.clock = clock
  }

  /** For `testPipeline` alone. */
  async start(parts: readonly PlacedPart[]): Promise<void> {
    try {
      for (const kind of KINDS) {
        for (const part of parts.filter(({ definition }) => definition.kind === kind)) {
          const moved = this.#lossy({ ...part, framework: this.#endpoints.framework(part) })
          this.#members.push({ part: moved, running: await this.#run(moved) })
        }
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Where an endpoint of the file is in this test, to feed it there or to listen: of what is dialled elsewhere, too.
   *
   * @param endpoint as the file or a default has it: `tcp://127.0.0.1:5556`
   */
  endpoint(endpoint: string): string {
    return this.#endpoints.of(endpoint)
  }

  /** The counters of a part. @throws OPTIONS_INVALID when there is none of that name */
  counters(name: string): Record<string, number> {
    return this.#member(name).running.counters() as Record<string, number>
  }

  /** Waits until something has become true, while the clock goes on; see `ControlledClock.advanceUntil`. */
  until(what: string, condition: () => unknown, step?: number): Promise<void> {
    return this.clock.advanceUntil(what, condition, step)
  }

  /** Closes a part at once, as if it were killed. */
  async stop(name: string): Promise<void> {
    await this.#member(name).running.close()
  }

  /** Starts a part again that was stopped, or ended by itself; the others dial again by themselves. */
  async restart(name: string): Promise<void> {
    const member = this.#member(name)
    await member.running.close()
    // An endpoint is given up some time after what was bound to it was closed.
    let failure: unknown
    await until(`${name} runs again`, async () => {
      try {
        member.running = await this.#run(member.part)
        return true
      } catch (error) {
        failure = error
        return !(error instanceof EventstormError && error.code === 'BIND_FAILED')
      }
    })
    if (member.running.status === 'stopped') throw failure
  }

  /** Ends all parts in the order of the events, as the program does: what is on its way is written. */
  async drain(): Promise<void> {
    for (const kind of ALONG_THE_WAY) {
      const group = this.#members.filter(({ part }) => part.definition.kind === kind)
      if (kind !== 'source') await Promise.all(group.map(({ running }) => quiet(running)))
      await Promise.all(group.map(({ running }) => running.drain()))
    }
  }

  /** Ends all parts at once. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ running }) => running.close()))
  }

  /** Stops all of it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(part: PlacedPart): Promise<Running> {
    const running = await this.#startPart(part, this.log.log, this.clock)
    await running.opened
    return running
  }

  #member(name: string): Member {
    const found = this.#members.find(({ part }) => part.path[1] === name || part.path.join('.') === name)
    if (found) return found
    throw new EventstormError('OPTIONS_INVALID', `expected the name of a part, got ${show(name)}`)
  }

  /** A router whose messages can be lost. */
  #lossy(part: PlacedPart): PlacedPart {
    const { definition, path } = part
    if (definition.kind !== 'router') return part
    const isLosing = () => this.losing.has(String(path[1])) || this.losing.has(path.join('.'))
    const create = (options: Record<string, unknown>): RouterComponent => {
      const component = definition.create(options)
      return {
        route: (message) => component.route?.(message) !== false && (message.count === 0 || !isLosing()),
      }
    }
    return { ...part, definition: { ...definition, create } }
  }
}
