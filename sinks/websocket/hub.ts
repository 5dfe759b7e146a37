import { EventstormError, reason } from '../../lib/index.js'
import type { Aggregates } from './aggregates.js'
import { Client, Member } from './client.js'
import { readClientFrame } from './client-frame.js'
import { type ChangeHz, CLOSE, type Hello, type Hz, type Strip, type Subscribe } from './protocol.js'
import type { Recent } from './recent.js'
import type { Peer } from './transport.js'
import { View, viewOptions } from './view.js'

export interface HubLimits {
  clients: number
  subscriptions: number
  patterns: number
  views: number
  viewSeries: number
  /** Milliseconds. */
  stall: number
}

/** Bytes that may wait for a client in this process before it counts as one that does not read. */
const JAM = 1024 * 1024
/** A client that has said nothing for so long is gone, milliseconds: it should ping every 20 s. */
const SILENCE = 90_000
const HELLO_TYPES = 1000

/** All browsers, and the views that they share. */
export class Hub {
  readonly counts = {
    opened: 0,
    ticks: 0,
    bytes: 0,
    skipped: 0,
    stalled: 0,
    malformed: 0,
    tooFast: 0,
    refused: 0,
  }
  readonly limits: HubLimits
  #aggregates: Aggregates
  #recent: Recent
  #hello: Omit<Hello, 'f' | 'now' | 'types' | 'more'>
  #clients = new Map<Peer, Client>()
  #views = new Map<string, { view: View; members: Map<Member, Client> }>()
  #nextView = 1

  constructor(
    limits: HubLimits,
    aggregates: Aggregates,
    recent: Recent,
    hello: Omit<Hello, 'f' | 'now' | 'types' | 'more'>,
  ) {
    this.limits = limits
    this.#aggregates = aggregates
    this.#recent = recent
    this.#hello = hello
  }

  get clients(): number {
    return this.#clients.size
  }

  get views(): number {
    return this.#views.size
  }

  opened(peer: Peer, now: number): void {
    const client = new Client(peer, now)
    this.#clients.set(peer, client)
    this.counts.opened++
    const types = [...this.#aggregates.names()].map((name) => this.#aggregates.infoOf(name)!)
    types.sort((a, b) => b.rate - a.rate)
    client.send({
      f: 'hello',
      ...this.#hello,
      now,
      types: types.slice(0, HELLO_TYPES),
      more: Math.max(0, types.length - HELLO_TYPES),
    })
  }

  closed(peer: Peer): void {
    const client = this.#clients.get(peer)
    if (client === undefined) return
    this.#clients.delete(peer)
    for (const member of client.members.values()) this.#leave(member)
  }

  message(peer: Peer, text: string, now: number): void {
    const client = this.#clients.get(peer)
    if (client === undefined || client.closing) return
    client.heard = now
    const frame = readClientFrame(text)
    if (frame === undefined) {
      this.counts.malformed++
      client.close(CLOSE.malformed, 'a message that is none of this protocol')
      return
    }
    if (frame.f === 'ack') {
      const members = [...client.members.values()].filter((each) => each.view?.number === frame.view)
      if (members.some((each) => each.acknowledge(frame.q, now))) return
    }
    if (!client.mayTalk(now)) {
      this.counts.tooFast++
      client.close(CLOSE.tooFast, 'too many messages', 60_000)
      return
    }
    if (frame.f === 'sub') this.#subscribe(client, frame)
    else if (frame.f === 'unsub') this.#unsubscribe(client, frame.id)
    else if (frame.f === 'hz') this.#changeHz(client, frame)
    else if (frame.f === 'ping') client.send({ f: 'pong', c: frame.c, now })
  }

  /** Sends the ticks of views of that rate. */
  tick(hz: Hz, now: number, strip: Strip): void {
    for (const { view, members } of this.#views.values()) {
      if (view.options.hz !== hz) continue
      const tick = view.tick(now, strip, this.#recent)
      for (const [member, client] of members) {
        if (client.closing) continue
        const frames = member.framesFor(tick, now, client.peer.buffered > JAM)
        if (frames.length === 0) this.counts.skipped++
        else this.counts.ticks++
        for (const frame of frames) {
          this.counts.bytes += frame.length
          client.peer.send(frame)
        }
      }
    }
  }

  /** Closes those that have not acknowledged for too long, or are silent. */
  look(now: number): void {
    for (const client of this.#clients.values()) {
      const since = [...client.members.values()].map((member) => member.waitingSince ?? now)
      const stalled = since.some((each) => now - each > this.limits.stall)
      if (!stalled && now - client.heard <= SILENCE) continue
      this.counts.stalled++
      client.close(CLOSE.stalled, 'no acknowledgement', 1000)
    }
  }

  /** Says goodbye to everybody. */
  close(): void {
    for (const client of this.#clients.values()) client.close(CLOSE.away, 'the server stops', 1000)
  }

  #subscribe(client: Client, frame: Subscribe): void {
    this.#unsubscribe(client, frame.id)
    if (client.members.size >= this.limits.subscriptions) {
      this.#refuse(client, frame.id, 'subscriptions', `at most ${this.limits.subscriptions} subscriptions`)
      return
    }
    if (frame.match.length > this.limits.patterns) {
      this.#refuse(client, frame.id, 'patterns', `at most ${this.limits.patterns} patterns`)
      return
    }
    const member = new Member(frame)
    client.members.set(frame.id, member)
    if (!this.#join(client, member)) client.members.delete(frame.id)
  }

  #changeHz(client: Client, { id, hz }: ChangeHz): void {
    const member = client.members.get(id)
    if (member === undefined) return
    this.#leave(member)
    member.frame.hz = hz
    if (!this.#join(client, member)) client.members.delete(id)
  }

  #unsubscribe(client: Client, id: number): void {
    const member = client.members.get(id)
    if (member) this.#leave(member)
    client.members.delete(id)
  }

  /** @returns whether it is in */
  #join(client: Client, member: Member): boolean {
    const { frame } = member
    if (frame.hz === 0) {
      client.send({ f: 'view', id: frame.id, view: 0, hz: 0 })
      return true
    }
    const options = viewOptions(frame)
    const key = JSON.stringify(options)
    let shared = this.#views.get(key)
    if (shared === undefined) {
      if (this.#views.size >= this.limits.views) {
        this.#refuse(
          client,
          frame.id,
          'views',
          `at most ${this.limits.views} different views of all browsers`,
        )
        return false
      }
      try {
        const view = new View(this.#nextView, options, this.#aggregates, this.limits.viewSeries)
        this.#nextView++
        shared = { view, members: new Map() }
      } catch (error) {
        if (!(error instanceof EventstormError)) throw error
        this.#refuse(client, frame.id, 'pattern', reason(error))
        return false
      }
      this.#views.set(key, shared)
    }
    shared.members.set(member, client)
    member.join(shared.view)
    client.send({ f: 'view', id: frame.id, view: shared.view.number, hz: options.hz })
    client.peer.send(member.firstSeries())
    return true
  }

  #leave(member: Member): void {
    for (const [key, { view, members }] of this.#views) {
      if (view !== member.view || !members.delete(member)) continue
      if (members.size > 0) continue
      view.close()
      this.#views.delete(key)
    }
    member.join(undefined)
  }

  #refuse(
    client: Client,
    id: number,
    code: 'pattern' | 'subscriptions' | 'patterns' | 'views',
    message: string,
  ): void {
    this.counts.refused++
    client.send({ f: 'refused', id, code, message })
  }
}
