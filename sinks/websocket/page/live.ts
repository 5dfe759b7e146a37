import type { History, Hz, Row, Rows, ServerFrame, Session, View as ViewFrame } from '../protocol.js'
import { Connection, type ConnectionState } from './connection.js'
import { MOST_ROWS, Store } from './store.js'

/** After so long in the background the page rests: no ticks, until it is looked at again. */
const REST_AFTER = 30_000
const WANT = ['counts', 'values', 'spreads', 'states', 'rows'] as const
const MOST_TRIES = 30_000

/** Buckets of this length are drawn for a window of that length, milliseconds. */
const tierFor = (window: number) => (window <= 3_600_000 ? 1000 : 10_000)
const capacityFor = (step: number) => (step === 1000 ? 3900 : 8700)

export interface Asked {
  /** Length of the window, and its begin when it does not end now; milliseconds. */
  window: number
  from: number | undefined
  match: string[]
  hz: Hz
}

/**
 * Keeps the store filled: subscribes, acknowledges, asks for what was before and for every hole, and does so again
 * after each reconnect.
 */
export class Live {
  store = new Store(1000, capacityFor(1000))
  state: ConnectionState = 'connecting'
  reason = ''
  /** What the server said of itself. */
  name = ''
  endpoints: string[] = []
  subscribe: string[] = []
  /** Our clock when the first frame came; how long nothing has been heard. */
  opened = 0
  refused = ''
  /** The server has more types or series than it tells one page. */
  partial = false
  /** The server can ask a store for what is older than its rings. */
  hasStore = false
  /** Begin of what the rings have, milliseconds; they know nothing of the time before the server started. */
  get reach(): number {
    return Math.max(this.store.epoch, this.now() - this.#longest)
  }
  #longest = 86_400_000
  #connection: Connection
  #asked: Asked
  #changed: (urgent: boolean) => void
  #subscription = 0
  #view = -1
  #floor = 0
  #filling = false
  /** A view has begun: what came before its first tick has to be asked for, up to the second that has just ended. */
  #begun = false
  #delay = 0
  #timer = 0
  #resting = false
  #restTimer = 0

  constructor(asked: Asked, changed: (urgent: boolean) => void) {
    this.#asked = asked
    this.#changed = changed
    const url = new URL('ws', location.href)
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    url.hash = ''
    this.#connection = new Connection(url.href, {
      onFrame: (frame) => this.#take(frame),
      onState: (state, reason) => {
        this.state = state
        this.reason = reason
        if (state === 'waiting' || state === 'refused') void this.#checkSession()
        this.#changed(true)
      },
    })
    document.addEventListener('visibilitychange', () => this.#lookedAt())
  }

  start(): void {
    this.#connection.open()
    setInterval(() => {
      // Also looks for holes: between the history and the first tick there may be one.
      void this.#fill()
      // The age of the data goes on when none comes.
      if (this.state !== 'open') this.#changed(false)
    }, 1000)
  }

  /** The server's clock, milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#connection.offset
  }

  ask(asked: Asked): void {
    const before = this.#asked
    this.#asked = asked
    const step = tierFor(asked.window)
    if (step !== this.store.timeline.step) this.#anew(step)
    if (before.match.join() !== asked.match.join()) {
      this.#connection.send({ f: 'unsub', id: this.#subscription })
      this.#anew(step)
      this.store.rows = []
      this.#subscribe()
    } else if (before.hz !== asked.hz && !this.#resting) {
      this.#connection.send({ f: 'hz', id: this.#subscription, hz: asked.hz })
    }
    this.#fillSoon(0)
  }

  reconnect(): void {
    this.#connection.reconnect()
  }

  /** Forgets the buckets, keeps the rest. */
  #anew(step: number): void {
    const { epoch, rows, strip, arrivals, skipped, types } = this.store
    this.store = new Store(step, capacityFor(step))
    Object.assign(this.store, { rows, strip, arrivals, skipped })
    this.store.begin(epoch, [...types.values()])
    this.#floor = 0
  }

  #take(frame: ServerFrame): void {
    switch (frame.f) {
      case 'hello':
        this.name = frame.name
        this.endpoints = frame.endpoints
        this.subscribe = frame.subscribe
        if (this.store.epoch !== frame.epoch) {
          this.#floor = 0
          this.partial = false
        }
        this.partial ||= frame.more > 0
        this.opened ||= Date.now()
        this.hasStore = frame.store
        this.#longest = Math.max(...frame.tiers.map(({ length }) => length))
        this.store.begin(frame.epoch, frame.types)
        this.#subscribe()
        break
      case 'view':
        this.#viewed(frame)
        break
      case 'refused':
        this.refused = frame.message
        break
      case 'series':
        if (frame.view !== this.#view) return
        this.store.applySeries(frame)
        this.partial ||= frame.hidden > 0
        break
      case 't':
        if (frame.view !== this.#view) return
        this.store.applyTick(frame)
        this.#connection.send({ f: 'ack', view: frame.view, q: frame.q })
        this.#changed(false)
        return
      case 'gap':
        this.store.skipped += frame.rows
        this.#fillSoon(200)
        break
    }
    this.#changed(true)
  }

  #subscribe(): void {
    const { match, hz } = this.#asked
    this.refused = ''
    this.#subscription = (this.#subscription + 1) % 65_536
    this.#connection.send({
      f: 'sub',
      id: this.#subscription,
      match,
      want: [...WANT],
      hz: this.#resting ? 0 : hz,
    })
  }

  #viewed({ id, view }: ViewFrame): void {
    if (id !== this.#subscription) return
    if (view === this.#view && this.#filling) return
    this.#view = view
    this.#begun = true
    if (this.#resting) return
    this.#fillSoon(0)
    void this.#fetchRows()
  }

  #lookedAt(): void {
    clearTimeout(this.#restTimer)
    if (document.hidden) {
      this.#restTimer = setTimeout(() => this.#rest(true), REST_AFTER) as unknown as number
    } else {
      this.#connection.reconnect()
      if (this.#resting) this.#rest(false)
    }
  }

  #rest(resting: boolean): void {
    this.#resting = resting
    this.#connection.send({ f: 'hz', id: this.#subscription, hz: resting ? 0 : this.#asked.hz })
    if (!resting) this.#fillSoon(0)
  }

  #fillSoon(delay: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#fill(), delay) as unknown as number
  }

  /** Asks for what is not known in the window. */
  async #fill(): Promise<void> {
    if (this.#filling || this.#resting || this.state !== 'open' || this.#view === -1) return
    const { store } = this
    const { timeline } = store
    const now = this.now()
    const { window, from: begin } = this.#asked
    const from = Math.max(begin ?? now - window, this.#floor, now - timeline.step * (timeline.capacity - 60))
    const end = Math.min(begin === undefined ? now : begin + window, now)
    // The tick of a second that has just ended may be on its way.
    const last = timeline.bucket(end - (this.#begun ? 1 : 1.5) * timeline.step)
    let first = timeline.bucket(from)
    while (first <= last && store.known(first)) first++
    if (first > last) return
    this.#filling = true
    this.#begun = false
    try {
      const history = await this.#get<History>('api/history', {
        from: String(first * timeline.step),
        // Up to now the server knows better where the ticks of this view began: no second is left between.
        ...(begin !== undefined && { to: String((last + 1) * timeline.step) }),
        step: String(timeline.step),
        keys: '1',
      })
      if (this.store === store) {
        store.applyHistory(history)
        this.#floor = Math.max(this.#floor, Math.ceil(history.from / timeline.step) * timeline.step)
      }
      this.#delay = 0
      this.#changed(true)
    } catch {
      this.#delay = Math.min(MOST_TRIES, Math.max(1000, this.#delay * 2))
      this.#fillSoon(this.#delay)
    } finally {
      this.#filling = false
    }
    if (this.store !== store || this.#begun) this.#fillSoon(0)
  }

  /** A login ends some day; the server shows its form instead of the page then. */
  async #checkSession(): Promise<void> {
    try {
      const answer = await fetch('api/session', { credentials: 'same-origin' })
      const { required, authorized } = (await answer.json()) as Session
      if (required && !authorized) location.reload()
    } catch {
      // The server is away: the connection tries again.
    }
  }

  async #fetchRows(): Promise<void> {
    try {
      const { rows, epoch } = await this.#get<Rows>('api/rows', { limit: '200' })
      if (epoch !== this.store.epoch) return
      const name = (row: Row) => `${row.t} ${row.source} ${row.type} ${row.seq}`
      const there = new Set(this.store.rows.map(name))
      const older = rows.filter((row) => !there.has(name(row)))
      this.store.rows = [...this.store.rows, ...older].sort((a, b) => b.t - a.t).slice(0, MOST_ROWS)
      this.#changed(true)
    } catch {
      // Rows come with the ticks too.
    }
  }

  async #get<T>(path: string, query: Record<string, string>): Promise<T> {
    const search = new URLSearchParams(query)
    for (const each of this.#asked.match) search.append('match', each)
    const response = await fetch(`${path}?${search}`, { credentials: 'same-origin' })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return (await response.json()) as T
  }
}
