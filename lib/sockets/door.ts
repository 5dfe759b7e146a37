import type { Clock } from '../clock.js'
import type { Logger } from '../component.js'
import { reason } from '../errors.js'
import { type ConnectionCounters, noConnections, sumConnections } from './connections.js'
import type { EndOptions } from './sockets.js'

/** Wait before the next attempt to bind an endpoint that is only just being given up, milliseconds. */
const BIND_AGAIN = 20

interface Openable {
  readonly connections: ConnectionCounters
  readonly endpoints: readonly string[]
  close(linger?: number): void
}

/**
 * One socket that can be closed with all it holds and be opened again at the same place. What it counts goes on, and
 * so do its limits: with a list of keys, it is opened again when one is taken from the list, since libzmq cannot send
 * one peer away; and only what the list lets pass does.
 */
export class Door<E extends Openable> {
  readonly endpoints: readonly string[]
  end: E
  /** Whether events of a type may pass; undefined when all may. */
  types: ((type: string) => boolean) | undefined
  #make: (bind: readonly string[]) => E
  #clock: Clock
  #log: Logger
  #before = noConnections()
  #closed = false
  #cancelBind: () => void = () => {}
  #unwatch: () => void = () => {}
  #again: { before?: () => void; after?: (end: E) => void }

  /**
   * @param make opens the socket
   * @param again called before it is opened again, and after
   */
  constructor(
    options: EndOptions & { log: Logger },
    make: (bind: readonly string[]) => E,
    again: { before?: () => void; after?: (end: E) => void } = {},
  ) {
    this.#make = make
    this.#clock = options.clock
    this.#log = options.log
    this.end = make(options.bind)
    this.endpoints = this.end.endpoints
    const list = options.security?.allow[0]
    this.types = list?.types
    this.#again = again
    this.#unwatch =
      list?.watch(options.clock, options.log, (gone) => {
        this.types = list.types
        if (gone) this.reopen()
      }) ?? this.#unwatch
  }

  get connections(): ConnectionCounters {
    return sumConnections([{ connections: this.#before }, this.end])
  }

  reopen(): void {
    this.#before = this.connections
    this.end.close()
    this.#again.before?.()
    this.#open()
  }

  close(linger = 0): void {
    this.#closed = true
    this.#unwatch()
    this.#cancelBind()
    this.end.close(linger)
  }

  #open(): void {
    try {
      this.end = this.#make(this.endpoints)
    } catch (error) {
      // libzmq gives an endpoint up some time after its socket was closed.
      this.#log.debug({ error: reason(error) }, 'not bound yet')
      this.#cancelBind = this.#clock.after(BIND_AGAIN, () => {
        if (!this.#closed) this.#open()
      })
      return
    }
    this.#again.after?.(this.end)
  }
}

/**
 * The sockets that the endpoints of one end are spread over: what is dialled has one, since nobody is to be asked about
 * it; and each one that has a list of its own has one, so that what comes in there can be told from the rest.
 */
export function doorsOf<O extends EndOptions>(options: O): O[] {
  const { security, bind, connect } = options
  const doors: O[] = []
  if (security?.keys !== undefined) {
    for (const [i, endpoint] of bind.entries())
      doors.push({
        ...options,
        bind: [endpoint],
        connect: [],
        security: { ...security, allow: [security.allow[i]!] },
      })
  } else if (bind.length > 0) doors.push({ ...options, connect: [] })
  if (connect.length > 0)
    doors.push({ ...options, bind: [], ...(security && { security: { ...security, allow: [] } }) })
  return doors
}

/** Opens one socket after the other; when one cannot be opened, those before it are closed. */
export function openAll<O, T extends { close(): void }>(each: readonly O[], open: (options: O) => T): T[] {
  const opened: T[] = []
  try {
    for (const options of each) opened.push(open(options))
  } catch (error) {
    for (const door of opened) door.close()
    throw error
  }
  return opened
}
