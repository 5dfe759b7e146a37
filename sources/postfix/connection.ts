import type { Data, NewEvent } from '../../lib/index.js'
import type { Peer } from './peer.js'
import { present } from './present.js'
import type { BrokenSessionLine, DisconnectLine, Tls } from './session-line.js'

/** Longest list of queue ids that is kept of one connection. */
const MOST_QUEUE_IDS = 100

/** A client's session with one smtpd process. Lists in it are replaced and never changed. Times are milliseconds since 1970. */
export class Connection {
  connectedAt: number | undefined
  touchedAt: number
  client: Peer | undefined
  tls: Tls | undefined
  saslMethod: string | undefined
  saslUsername: string | undefined
  authFailures = 0
  rejects = 0
  messages = 0
  /** Of the messages that came last. */
  queueIds: string[] = []
  broken: { reason: string; stage: string; bytes?: number } | undefined

  constructor(
    readonly host: string,
    readonly instance: string,
    readonly service: string | undefined,
    readonly pid: number,
    time: number,
  ) {
    this.touchedAt = time
  }

  message(queueId: string): void {
    this.messages++
    this.queueIds = [...this.queueIds.slice(1 - MOST_QUEUE_IDS), queueId]
  }

  /** The first thing that went wrong. */
  breakOff({ reason, stage, bytes }: BrokenSessionLine): void {
    this.broken ??= present({ reason, stage, bytes }) as NonNullable<Connection['broken']>
  }

  /** Without a line that says so, the end was missed. */
  toEvent(time: number, line?: DisconnectLine): NewEvent {
    const { connectedAt } = this
    return {
      type: 'smtp.connection',
      time: new Date(time),
      data: present({
        host: this.host,
        instance: this.instance,
        service: this.service,
        pid: this.pid,
        client: this.client ?? line?.client,
        connectedAt: connectedAt === undefined ? undefined : new Date(connectedAt),
        duration: connectedAt === undefined || line === undefined ? undefined : (time - connectedAt) / 1000,
        tls: this.tls,
        saslMethod: this.saslMethod,
        saslUsername: this.saslUsername,
        commands: line?.commands,
        refused: line?.refused,
        authFailures: this.authFailures,
        rejects: this.rejects,
        messages: this.messages,
        queueIds: this.queueIds.length > 0 ? this.queueIds : undefined,
        broken: this.broken,
        complete: connectedAt !== undefined && line !== undefined,
      }),
    }
  }

  save(): Data {
    return { ...this }
  }

  static restore(saved: Data): Connection {
    const { host, instance, service, pid, touchedAt, ...fields } = saved as Connection
    const connection = new Connection(host, instance, service ?? undefined, pid, touchedAt)
    for (const [name, value] of Object.entries(fields)) {
      if (value !== null && value !== undefined) Object.assign(connection, { [name]: value })
    }
    return connection
  }
}
