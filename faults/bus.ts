import {
  Audit,
  type AuditedStream,
  type AuditedTotals,
  EventRouter,
  type Subscription,
  subscribe,
} from '../lib/index.js'
import { freeEndpoint, Remote, until } from '../testing/index.js'
import { grown, type Held, Memory } from './memory.js'
import { ProgramSink } from './program-sink.js'

/** What became of all events of a scenario, over all its streams and sinks. */
export interface Outcome {
  /** Sent by all sources. */
  sent: number
  /** The rest is added up over all sinks, each of which was to get everything. */
  received: number
  lost: number
  duplicate: number
  before: number
  unheard: number
  dropped: Record<string, number>
  /** What does not add up: of every stream at every sink, and of every sink. */
  balance: number
  /** Whether everything came to rest in time, and if not, what did not. */
  settled: boolean
  open: string
  /** Of the routers and sinks that lived through it, the ones that grew most; nobody may have. */
  memory: { router: Held | undefined; sink: Held | undefined }
  /** Most that any process has grown that lived through it, bytes. */
  grown: number
}

type Role = 'source' | 'router' | 'sink'

interface Member {
  role: Role
  name: string
  remote: Remote | ProgramSink
  memory: Memory
}

/** How long things may take to come to rest after a fault, milliseconds; much longer than they do. */
const SETTLE = 60_000
/** How long memory may take to be given back, milliseconds. */
const GIVE_BACK = 10_000
/** How much a process may have grown in the end, bytes. */
export const MAX_GROWTH = 64_000_000
const TYPES = ['load.a', 'load.b', 'load.c']
/** Dialled again at once, and heard of soon: a scenario takes seconds and not minutes. */
const DIALLING = { reconnectInterval: '20ms' }
/** Nothing is lost because a machine is slow: who wants queues to overflow makes them short. */
const ROOMY = { sendHighWaterMark: 100_000 }

/**
 * A bus of real processes, and its audit. The audit listens at a router of its own, over ipc: what is done to the bus
 * does not touch it, and it carries reports alone since nobody asks for anything else there.
 */
export class Bus implements AsyncDisposable {
  #router = new EventRouter({ bindSources: [freeEndpoint('ipc')], bindSinks: [freeEndpoint('ipc')] })
  #books = new Audit()
  #listening: Subscription
  #reading: Promise<void>
  #members: Member[] = []
  #reports = 0
  #owned: (Disposable | AsyncDisposable)[] = []

  constructor() {
    this.#listening = subscribe({ connect: [...this.#router.sinkEndpoints], subscribe: ['_report.**'] })
    this.#reading = this.#read()
  }

  /** Where sources and sinks report. */
  get reportsTo(): readonly string[] {
    return this.#router.sourceEndpoints
  }

  /** Starts a router; its endpoints are the one for sources and the one for sinks. */
  router(options: object = {}, through: readonly string[] = []): Promise<Remote> {
    const ends = { bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] }
    return this.#start('router', 'router', { ...DIALLING, ...ROOMY, ...ends, ...options }, through)
  }

  /** Starts a router where a killed one was. */
  async restarted(router: Remote, options: object = {}, through: readonly string[] = []): Promise<Remote> {
    const [sources, sinks] = router.endpoints as [string, string]
    return this.router({ bindSources: [sources], bindSinks: [sinks], ...options }, through)
  }

  source(
    name: string,
    connect: readonly string[],
    options: object = {},
    through: readonly string[] = [],
  ): Promise<Remote> {
    const ends = { source: name, connect: [...connect, ...this.reportsTo] }
    return this.#start(
      'source',
      name,
      { ...DIALLING, ...ROOMY, heartbeat: '200ms', ...ends, ...options },
      through,
    )
  }

  sink(
    name: string,
    connect: readonly string[],
    options: object = {},
    through: readonly string[] = [],
  ): Promise<Remote> {
    const ends = { name, connect, report: this.reportsTo, subscribe: ['load.**'] }
    return this.#start('sink', name, { ...DIALLING, ...ends, ...options }, through)
  }

  /** Starts a sink as the program runs it: `words` is its name and its own flags. */
  programSink(name: string, words: readonly string[], connect: readonly string[]): ProgramSink {
    const sink = new ProgramSink([
      ...words,
      ...['--name', name, '--subscribe', 'load.**', '--reconnect-interval', '20ms'],
      ...connect.flatMap((endpoint) => ['--connect', endpoint]),
      ...this.reportsTo.flatMap((endpoint) => ['--report', endpoint]),
    ])
    this.#members.push({ role: 'sink', name, remote: sink, memory: new Memory(sink.pid) })
    return sink
  }

  /** What a scenario has made and the bus stands on: it goes when all processes are gone. */
  own<T extends Disposable | AsyncDisposable>(made: T): T {
    this.#owned.push(made)
    return made
  }

  /** Notes what each process holds before anything goes wrong. */
  noteMemory(): void {
    for (const { memory } of this.#members) memory.note()
  }

  async flow(sources: readonly Remote[], perSecond: number, pad = 0): Promise<void> {
    await Promise.all(sources.map((source) => source.flow({ types: TYPES, perSecond, pad })))
  }

  /** Waits until so many more events were sent. */
  async traffic(count: number): Promise<void> {
    const sent = () => this.streams().reduce((sum, stream) => sum + (stream.sent ?? 0), 0)
    const goal = sent() + count
    await until(`${count} more events were sent`, () => sent() >= goal, SETTLE)
  }

  /** Waits until so many more reports have come: some time, on a machine as slow as this one. */
  async reports(count: number): Promise<void> {
    const goal = this.#reports + count
    await until(`${count} more reports came`, () => this.#reports >= goal, SETTLE)
  }

  /** Waits until new events of every living source come to every living sink. */
  async flowing(): Promise<void> {
    const before = this.#counts('received')
    await until(
      'events of every source come to every sink',
      () => {
        const now = [...this.#counts('received')]
        return now.length > 0 && now.every(([key, count]) => count > (before.get(key) ?? 0))
      },
      SETTLE,
    )
  }

  /**
   * Waits until so many sinks are connected to a router. Who comes later than a source loses what that one has sent before:
   * its clock says that it was there.
   */
  async joined(router: Remote, sinks: number): Promise<void> {
    const connected = async () => {
      const { sinkConnections } = await router.counters()
      return (sinkConnections as Record<string, number>).connected!
    }
    await until(`${sinks} sinks are connected`, async () => (await connected()) >= sinks, SETTLE)
  }

  /** Waits until a source has sent something. */
  async heardOf(source: string): Promise<void> {
    const sent = () => this.streams().find((each) => each.source === source && each.alive)?.sent ?? 0
    await until(`${source} has sent something`, () => sent() > 0, SETTLE)
  }

  /** Waits until something is so, for as long as a slow machine may take. */
  passes(what: string, condition: () => unknown): Promise<void> {
    return until(what, condition, SETTLE)
  }

  /** Waits until the audit says of a sink that it is in a state. */
  async isNamed(name: string, state: AuditedTotals['state']): Promise<void> {
    const named = () => this.sinks().find(({ sink }) => sink.endsWith(`/${name}`))?.state
    await until(`${name} is named as ${state}`, () => named() === state, SETTLE)
  }

  /**
   * Waits until every stream of a living source comes to every living sink on more than one way. The count of what came
   * twice must grow from report to report: the first new one may still tell of the time before a router went.
   */
  async doubled(): Promise<void> {
    for (let report = 0; report < 3; report++) {
      const before = this.#counts('duplicate')
      await until(
        'everything comes on two ways',
        () => {
          const now = this.#counts('duplicate')
          return now.size > 0 && [...now].every(([key, count]) => count > (before.get(key) ?? 0))
        },
        SETTLE,
      )
    }
  }

  /** Waits until a sink has accounted for all that its sources, which emit no more, have sent; says how much that is. */
  async quiet(name: string): Promise<number> {
    const counters = await Promise.all(this.#sources().map((source) => source.counters()))
    const sent = counters.reduce((sum, each) => sum + Number(each.sent), 0)
    const has = () => {
      const { before, received, lost } = this.at(name)
      return before + received + lost
    }
    await until(`${name} has accounted for ${sent} events`, () => has() === sent, SETTLE)
    return sent
  }

  async kill(remote: Remote | ProgramSink): Promise<void> {
    this.#leave(remote)
    await remote.kill()
  }

  async drain(remote: Remote): Promise<void> {
    this.#leave(remote)
    await remote.drain()
  }

  streams(): AuditedStream[] {
    return this.#books.streams(Date.now()).filter(({ type }) => type.startsWith('load.'))
  }

  sinks(): AuditedTotals[] {
    return this.#books.sinks(Date.now())
  }

  /** What one sink has, over all streams. */
  at(name: string): { received: number; lost: number; before: number; duplicate: number } {
    const sum = { received: 0, lost: 0, before: 0, duplicate: 0 }
    for (const { sink, ...each } of this.streams().flatMap(({ sinks }) => sinks)) {
      if (!sink.endsWith(`/${name}`)) continue
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += each[key]
    }
    return sum
  }

  /** What one sink has received and not written. */
  dropped(name: string): number {
    const known = this.sinks().find(({ sink }) => sink.endsWith(`/${name}`))
    return Object.values(known?.dropped ?? {}).reduce((sum, each) => sum + each, 0)
  }

  /** Ends all flows, waits until everything adds up or has had its time to, and says what it came to. */
  async settle(): Promise<Outcome> {
    for (const { remote } of this.#members) {
      // Where a scenario failed half-way, somebody may stand still.
      remote.resume()
    }
    await this.flow(this.#sources(), 0)
    const settled = await isTrueWithin(SETTLE, () => this.#isSettled())
    await isTrueWithin(GIVE_BACK, () => this.#grown() <= MAX_GROWTH)
    return { ...this.#outcome(), settled, open: settled ? '' : JSON.stringify(this.#open()) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { remote } of this.#members) await remote.kill()
    for (const made of this.#owned) {
      if (Symbol.asyncDispose in made) await made[Symbol.asyncDispose]()
      else made[Symbol.dispose]()
    }
    await this.#listening.close()
    await this.#reading
    await this.#router.close()
  }

  async #start(role: Role, name: string, options: object, through: readonly string[]): Promise<Remote> {
    const remote = await Remote.start(role, options, through)
    this.#members.push({ role, name, remote, memory: new Memory(remote.pid) })
    return remote
  }

  #sources(): Remote[] {
    return this.#members.flatMap(({ role, remote }) =>
      role === 'source' && remote instanceof Remote ? [remote] : [],
    )
  }

  #leave(remote: Remote | ProgramSink): void {
    this.#members = this.#members.filter((each) => each.remote !== remote)
  }

  async #read(): Promise<void> {
    for await (const batch of this.#listening) {
      for (const event of batch) {
        this.#books.take(event, Date.now())
        this.#reports++
      }
    }
  }

  /** What is out, of every stream at every sink. */
  #imbalance(): number {
    const streams = this.streams().flatMap(({ sinks }) => sinks)
    return [...streams, ...this.sinks()].reduce((sum, { balance }) => sum + Math.abs(balance), 0)
  }

  async #isSettled(): Promise<boolean> {
    const sinks = this.sinks()
    if (this.#imbalance() !== 0 || sinks.some(({ queued, alive }) => alive && queued > 0)) return false
    return (await this.#isTold()) && this.#imbalance() === 0
  }

  /** What every living sink has of every stream of a living source. */
  #counts(of: 'received' | 'duplicate'): Map<string, number> {
    const sinks = new Set(this.sinks().flatMap(({ sink, alive }) => (alive ? [sink] : [])))
    const living = this.streams().filter(({ alive }) => alive)
    return new Map(
      living.flatMap(({ source, epoch, type, sinks: at }) =>
        at
          .filter(({ sink }) => sinks.has(sink))
          .map((each) => [`${source} ${epoch} ${type} ${each.sink}`, each[of]] as const),
      ),
    )
  }

  /** Whether the books hold what each living process says of itself, and who was killed is known to be dead. */
  async #isTold(): Promise<boolean> {
    const sources = this.#members.filter(({ role }) => role === 'source')
    const sinks = this.#members.filter(({ role }) => role === 'sink')
    const living = this.streams().filter(({ alive }) => alive)
    for (const { name, remote } of sources) {
      if (!(remote instanceof Remote)) continue
      const { sent } = await remote.counters()
      // Its last life is told from this one once it has been silent for long enough.
      const own = living.filter(({ source }) => source === name)
      if (own.reduce((sum, each) => sum + (each.sent ?? 0), 0) !== sent) return false
      if (own.some(({ sinks: at }) => at.length < sinks.length)) return false
    }
    for (const { name, remote } of sinks) {
      // Of a program there are its reports alone, and they agree with what its sources say.
      if (!(remote instanceof Remote)) continue
      const { received } = await remote.counters()
      if (this.sinks().find(({ sink }) => sink.endsWith(`/${name}`))?.received !== received) return false
    }
    const names = new Set(sources.map(({ name }) => name))
    return living.every(({ source }) => names.has(source))
  }

  /** What keeps the books open, for who has to find out why. */
  #open(): object {
    const streams = this.streams()
      .map(({ sinks, ...stream }) => ({ ...stream, sinks: sinks.filter(({ balance }) => balance !== 0) }))
      .filter(({ sinks }) => sinks.length > 0)
    return { streams: streams.slice(0, 5), sinks: this.sinks() }
  }

  #outcome(): Omit<Outcome, 'settled' | 'open'> {
    const streams = this.streams()
    const sum = { sent: 0, received: 0, lost: 0, duplicate: 0, before: 0, unheard: 0 }
    for (const { sent, sinks } of streams) {
      const proven = Math.max(0, ...sinks.map((each) => each.before + each.received + each.lost))
      sum.sent += sent ?? proven
      for (const each of sinks) {
        for (const key of ['received', 'lost', 'duplicate', 'before', 'unheard'] as const)
          sum[key] += each[key]
      }
    }
    const dropped: Record<string, number> = {}
    for (const each of this.sinks()) {
      for (const [reason, count] of Object.entries(each.dropped)) {
        if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count
      }
    }
    const held = (role: Role) =>
      this.#members
        .flatMap((each) => (each.role === role ? (each.memory.held() ?? []) : []))
        .sort((a, b) => grown(b) - grown(a))[0]
    const memory = { router: held('router'), sink: held('sink') }
    return { ...sum, dropped, balance: this.#imbalance(), memory, grown: this.#grown() }
  }

  /** How much those who live have grown at most since it was noted, bytes. */
  #grown(): number {
    return Math.max(0, ...this.#members.flatMap(({ memory }) => memory.held() ?? []).map(grown))
  }
}

async function isTrueWithin(timeout: number, condition: () => unknown): Promise<boolean> {
  return until('', condition, timeout).then(
    () => true,
    () => false,
  )
}
