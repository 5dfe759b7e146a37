/**
 * What the sink and its page say to each other. No imports and no code but constants, so that a browser can have it.
 *
 * Frames are JSON texts on a WebSocket with the subprotocol below; `f` tells which one it is. Times are milliseconds
 * since 1970 on the server's clock, unless it says otherwise; lengths of time are milliseconds.
 *
 * A page connects, gets `hello`, subscribes, gets `view` and the `series` of that view, and then ticks, each of which
 * it acknowledges. It then asks `/api/history` for what was before and merges both by (series, time): a bucket that
 * comes again replaces the one that is there, so the order does not matter. After a reconnect it does the same; when
 * `epoch` is another one, the server was restarted, and series numbers and buckets from before mean nothing any more.
 */

/** The WebSocket subprotocol; a client that does not offer it is refused. */
export const SUBPROTOCOL = 'eventstorm.v1'

/** Ticks of one subscription that may be under way without `ack`; then ticks are skipped until one comes. */
export const CREDIT = 4

/** Longest message of a client, bytes. */
export const MAX_CLIENT_MESSAGE = 4096

/** Messages of a client a second, on average; twice as many at once. An `ack` does not count, unless it acknowledges nothing. */
export const MAX_CLIENT_RATE = 10

/** Longest text in a row, a key or a hint, in UTF-16 units; longer ones are cut and end in `…`. */
export const MAX_TEXT = 256

/** Close codes: RFC 6455's, and our own from 4000 on. After those marked * a client must not come back by itself. */
export const CLOSE = {
  /** The server stops or restarts; `bye` said when to come back. */
  away: 1001,
  /** A message was not JSON, or none of `ClientFrame`. * */
  malformed: 1007,
  /** A message was larger than `MAX_CLIENT_MESSAGE`. * */
  tooBig: 1009,
  /** Too many messages. Come back after a minute. */
  tooFast: 4008,
  /** No acknowledgement for `limits.stall`: the browser sleeps or the line is dead. Come back at will. */
  stalled: 4009,
  /** The token is no longer valid: reload the page, which shows the login form. * */
  unauthorized: 4001,
} as const

// ---------------------------------------------------------------------------------------------------------------------
// What is shown
// ---------------------------------------------------------------------------------------------------------------------

/** What the values of a field are. */
export type FieldKind =
  /** How long something took; has percentiles. */
  | 'duration'
  /** A value that goes up and down. */
  | 'gauge'
  /** A total that only grows; `sum` of a bucket is its increase. */
  | 'counter'
  /** An amount that belongs to each event, such as bytes of a response; `sum` and percentiles make sense. */
  | 'amount'
  /** One of a few words, or true and false. */
  | 'state'

/** How a card or a field likes to be drawn. */
export type Show = 'line' | 'area' | 'stacked' | 'bars' | 'heat' | 'stat' | 'state' | 'table' | 'hide'

/** How several values become one. */
export type Aggregate = 'sum' | 'mean' | 'min' | 'max' | 'last' | 'p50' | 'p95' | 'p99'

/*
 * Hints are the library's, which a browser cannot import: said again here, and held together by a test.
 */

/** How a field wants to be shown; all of it is optional, clipped and checked by the server. */
export interface FieldHint {
  title?: string
  /** `ms`, `s`, `B`, `%`, `B/s`, or any short word that stands behind the number. */
  unit?: string
  kind?: FieldKind
  show?: Show
  aggregate?: Aggregate
  /** Digits behind the point, 0 to 9. */
  decimals?: number
  /** The ends of the axis. */
  min?: number
  max?: number
  /** Thresholds, in the field's own unit. */
  warn?: number
  critical?: number
  /** Which way is good: tells on which side of a threshold the trouble is. Default: low. */
  better?: 'low' | 'high'
  /** Index into the page's palette, 0 to 11. */
  color?: number
}

/** How a type wants to be shown. */
export interface TypeHint {
  title?: string
  /** A sentence. */
  description?: string
  /** Cards of one group stand together under its name. */
  group?: string
  /** Cards with a lower number come first. Default: 100. */
  order?: number
  show?: Show
  color?: number
  /** Fields by whose values the type is split into series (`Series.key`), at most 3; `source` is the event's source. */
  key?: string[]
  /** Columns of the table of rows, in order: fields, or `time`, `type`, `source`, `seq`. At most 12. */
  columns?: string[]
  /** Silent for longer than this (milliseconds) means that something is wrong. */
  stale?: number
  /** By path in the data, such as `request_time` or `cpu.usage`; at most 64. The first one is the card's main value. */
  fields?: Record<string, FieldHint>
}

/** A type of events that the server knows. */
export interface TypeInfo {
  type: string
  /** Events a second over the last full minute. */
  rate: number
  /** When an event of it last came; 0: none since the server started, it is known from a hint or from the store. */
  seen: number
  /** Of a type that was not seen: begin of the hour of the last day in which the store has its last event. */
  stored?: number
  /** From the server's configuration and from what its source says; absent when neither says anything. */
  hint?: TypeHint
}

/**
 * Something that is counted or measured second by second: (type, field, key).
 *
 * - neither field nor key: the events of the type. Its table is `counts`.
 * - key alone: the events of the type with that key. `counts`.
 * - field alone: all values of that field. `values`, for durations and amounts `spreads` too; states: `states`.
 * - field and key: the values of the field in events with that key.
 */
export interface Series {
  /** Number of the series, unique within the epoch. */
  i: number
  type: string
  /** Path in the data, such as `request_time` or `cores.0.usage`. */
  field?: string
  /** Values of the type's key fields, joined by ` · `. */
  key?: string
  /** The key stands for all that are not among the most frequent ones; `key` is `other` then. */
  other?: true
  /** Of a field: what its values are, from its hint or told from its name and values. May change: it is then sent again. */
  kind?: FieldKind
  /** Of a state: the words that the numbers in `States.last` stand for. Grows: it is then sent again. */
  states?: string[]
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers: columns of the same length, one place for each series
// ---------------------------------------------------------------------------------------------------------------------

/** Events of a second. */
export interface Counts {
  i: number[]
  n: number[]
}

/** Values of a second. The mean is `sum / n`; of a counter, `sum` is the increase. */
export interface Values {
  i: number[]
  n: number[]
  sum: number[]
  min: number[]
  max: number[]
  last: number[]
}

/** Percentiles of a second, within 1 %. */
export interface Spreads {
  i: number[]
  p50: number[]
  p95: number[]
  p99: number[]
}

/** The last state of a second, as an index into `Series.states`; -1 is a word beyond those that are kept. */
export interface States {
  i: number[]
  last: number[]
}

/**
 * One bucket of time of a view. Tables that nobody wanted or that would be empty are left out. A series that is not
 * in its table had no event in that time. Infinite numbers and NaN are never counted and never sent.
 */
export interface Bucket {
  /** Its begin; its length is `step`. */
  t: number
  /** It has not ended yet, and comes again. */
  open?: true
  counts?: Counts
  values?: Values
  spreads?: Spreads
  states?: States
  /** Events lost on the way, noticed in that time, of types in this view; `i` are the series of the types' events. */
  lost?: Counts
}

/** The whole server, whatever the view, over the last second that has ended. */
export interface Strip {
  /** Events that arrived. */
  n: number
  /** Events lost on the way to this server, noticed in that second. */
  lost: number
  /** Events that arrived and that this server dropped before they were counted in any graph. */
  dropped: number
  /** Event types known. */
  types: number
  /** Milliseconds between the time of the newest event and now; null while there was none. */
  age: number | null
  /** Browsers connected. */
  clients: number
  /** Totals since the epoch. */
  total: { n: number; lost: number; dropped: number }
}

/** An event, made small: texts cut to `MAX_TEXT`, lists to 32 items, 6 levels, 4 KB in all, secrets as `•••`. */
export interface Row {
  /** When it happened. */
  t: number
  type: string
  source: string
  seq: number
  data: unknown
  /** Something was cut. */
  cut?: true
}

// ---------------------------------------------------------------------------------------------------------------------
// Frames of the server
// ---------------------------------------------------------------------------------------------------------------------

/** The first frame. */
export interface Hello {
  f: 'hello'
  /** Version of the protocol. */
  v: 1
  /** When this server started: names its series and buckets. Nothing is known of the time before. */
  epoch: number
  now: number
  /** Name of the sink. */
  name: string
  /** Where it listens for events, and for which patterns: for a page that has nothing to show yet. */
  endpoints: string[]
  subscribe: string[]
  /** What is kept: buckets of `step`, reaching back `length`. Finest first. */
  tiers: { step: number; length: number }[]
  limits: {
    subscriptions: number
    patterns: number
    /** Series in one view at most. */
    series: number
    rowsPerSecond: number
    /** How long a client may go without acknowledging before it is closed. */
    stall: number
  }
  /** `/api/query` reaches further back than the tiers. */
  store: boolean
  /** Types known, the busiest first, 1,000 at most; `more` are left out. */
  types: TypeInfo[]
  more: number
}

/** Answers `sub` and `hz`: the ticks of that subscription bear this number. Views are shared between browsers. */
export interface View {
  f: 'view'
  id: number
  view: number
  /** What it was asked for, within the limits. */
  hz: Hz
}

/** Answers a `sub` that cannot be. The connection stays. */
export interface Refused {
  f: 'refused'
  id: number
  code: 'pattern' | 'subscriptions' | 'patterns' | 'views'
  /** For people. */
  message: string
}

/** What changed among the series of a view; always before the first tick that names them. */
export interface SeriesFrame {
  f: 'series'
  view: number
  /** Forget all series of this view first. */
  reset?: true
  /** New ones, and those of which something changed. */
  add: Series[]
  /** Those that are gone. */
  del: number[]
  /** New types, also those of which only a hint came, and types whose hint changed. */
  types: TypeInfo[]
  /** Series that match and are left out, because the view is full. */
  hidden: number
}

/** One tick of a view, the same bytes for all its browsers. */
export interface Tick {
  f: 't'
  view: number
  /** Number of the tick within the view, one more each time. */
  q: number
  /** The server's clock as it was made. */
  now: number
  strip: Strip
  /**
   * Oldest first: buckets that were revised by late events, the one that has just ended, and at 4 Hz the one that is
   * open. Each replaces what was there.
   */
  buckets: Bucket[]
  /** Newest first. */
  rows?: Row[]
  /** Events that matched since the tick before and are not among its rows. */
  skipped?: number
}

/** Ticks were skipped for this browser, because it did not acknowledge; the newest one follows. */
export interface Gap {
  f: 'gap'
  view: number
  /** First and last number skipped. */
  from: number
  to: number
  /** The time that their buckets cover, begin and end: to be drawn as a gap until `/api/history` has filled it. */
  t: [number, number]
  /** Rows that were in them. */
  rows: number
}

export interface Pong {
  f: 'pong'
  /** What `ping` had. */
  c: number
  now: number
}

/** The last frame before the server closes. */
export interface Bye {
  f: 'bye'
  reason: string
  /** Come back after so long, milliseconds, with jitter; absent: do not come back by yourself. */
  retry?: number
}

export type ServerFrame = Hello | View | Refused | SeriesFrame | Tick | Gap | Pong | Bye

// ---------------------------------------------------------------------------------------------------------------------
// Frames of the client
// ---------------------------------------------------------------------------------------------------------------------

/** Which parts of a bucket are wanted. Events lost are always told. */
export type Want = 'counts' | 'values' | 'spreads' | 'states' | 'rows'

/** Ticks a second; 0 rests (a hidden page) without giving the subscription up. */
export type Hz = 0 | 1 | 4

export interface Subscribe {
  f: 'sub'
  /** The client's own number for it, 0 to 65535. */
  id: number
  /** Patterns: `http.hit`, `cpu.*`, `nginx.**`. */
  match: string[]
  want: Want[]
  hz: Hz
  /** Rows in a second at most, 0 to 20. Default: 20 */
  rows?: number
  /** Series split by key too. Default: true */
  keys?: boolean
}

export interface Unsubscribe {
  f: 'unsub'
  id: number
}

/** Changes the rate of a subscription; answered by `view`. */
export interface ChangeHz {
  f: 'hz'
  id: number
  hz: Hz
}

/** All ticks of the view up to `q` were handled. */
export interface Ack {
  f: 'ack'
  view: number
  q: number
}

/** Every 20 s: tells the difference of the clocks, and keeps proxies from closing an idle connection. */
export interface Ping {
  f: 'ping'
  /** Any number; the client's clock. */
  c: number
}

export type ClientFrame = Subscribe | Unsubscribe | ChangeHz | Ack | Ping

// ---------------------------------------------------------------------------------------------------------------------
// HTTP. Errors are `Failure` with a fitting status; every answer is JSON.
// ---------------------------------------------------------------------------------------------------------------------

export interface Failure {
  error: { code: string; message: string }
}

/**
 * `GET /api/history?match=http.**&match=cpu.*&from=MS&to=MS&step=1000|10000&want=counts&want=values&keys=1`
 *
 * `match` and `want` may be repeated; default: all of both. `from` and `to` default to the last 5 minutes. `step` is
 * rounded up to a tier that reaches back to `from`. Sparse: a bucket in which nothing happened is left out.
 * Compressed, with an ETag; at most 10 requests at once from one address, then 429 with `Retry-After`.
 */
export interface History {
  epoch: number
  now: number
  step: number
  /** The time that is answered for; what is before `from` is not kept any more, or was before `epoch`. */
  from: number
  to: number
  /** Series that match and are left out, because there are more than `limits.series`. */
  hidden: number
  series: SeriesHistory[]
  types: TypeInfo[]
}

/** `at[k]` is a bucket: it begins at `from + at[k] * step`. Every column has the length of `at`. */
export interface SeriesHistory extends Series {
  at: number[]
  /** Events, or values. */
  n?: number[]
  sum?: number[]
  min?: number[]
  max?: number[]
  last?: number[]
  p50?: number[]
  p95?: number[]
  p99?: number[]
  /** Of a type's events: where events were lost, and how many; a place of its own beside `at`. */
  lostAt?: number[]
  lost?: number[]
}

/** `GET /api/rows?match=http.**&limit=200`: newest first, at most 1,000 of those that are kept. */
export interface Rows {
  epoch: number
  now: number
  rows: Row[]
}

/** `GET /api/status`: what the server does and which of its bounds were met. */
export interface ServerStatus {
  epoch: number
  now: number
  /** Version of Eventstorm. */
  version: string
  transport: string
  endpoints: string[]
  subscribe: string[]
  strip: Strip
  store: boolean
  /** Each bound with what is used of it, and how often something did not fit. */
  bounds: { name: string; used: number; limit: number; refused: number; description: string }[]
  /** The sink's own counters. */
  counters: Record<string, number | Record<string, number>>
}

/** `GET /api/session`: whether a login is needed before anything else works. `POST` a form with `token` to log in. */
export interface Session {
  required: boolean
  authorized: boolean
}
