import { emitLines, LOG_COUNTERS, newLogCounters, type OnLine } from '../../lib/follow/index.js'
import {
  byteSize,
  type Counters,
  defineSource,
  duration,
  type Emit,
  EventstormError,
  type LineParser,
  level,
  list,
  type NewEvent,
  reason,
  type SourceComponent,
  type SourceContext,
  total,
  z,
} from '../../lib/index.js'
import { SyslogHeads, zoneOption } from '../../lib/syslog/index.js'
import { type Address, LOOPBACK, readAddress, showAddress } from './address.js'
import { hints } from './hints.js'
import { readSyslog, type SyslogMessage, toLine } from './message.js'
import { newTcpCounters, TcpInput } from './tcp.js'
import { UdpInput } from './udp.js'

/** One or several; in a file a port alone is a number. */
const addresses = () => {
  const one = z.union([z.string().min(1), z.int()])
  return z
    .union([z.array(one), one], { error: 'expected an address or a list of addresses' })
    .transform((value) => (Array.isArray(value) ? value : [value]).map(String))
    .prefault([])
    .pipe(
      z.array(
        z.string().refine((text) => readAddress(text) !== undefined, {
          error: 'expected an address and a port such as 127.0.0.1:5514 or [::1]:5514',
        }),
      ),
    )
}

const DEFAULT_PORT = 5514

const options = z.strictObject({
  udp: addresses().meta({
    description: `Address and port for datagrams, repeatable; a port alone is on ${LOOPBACK}. Default: ${LOOPBACK}:${DEFAULT_PORT}, for both, when neither --udp nor --tcp is given.`,
    argument: 'address',
  }),
  tcp: addresses().meta({
    description: 'Address and port for connections, repeatable; a port alone is on loopback.',
    argument: 'address',
  }),
  parser: z.string().min(1).optional().meta({
    description:
      'Log source whose parser takes the messages, such as nginx or sshd: their events are emitted instead of syslog.message.',
    argument: 'source',
  }),
  parserOptions: z.record(z.string(), z.unknown()).optional().meta({
    description: 'Options of that source, as far as they are its parser\'s, such as {"format":"common"}.',
    argument: 'json',
  }),
  program: list().meta({
    description:
      'With --parser: program whose messages it takes, repeatable; those of others stay syslog.message. Default: all.',
    argument: 'name',
  }),
  zone: zoneOption(),
  maxMessageBytes: byteSize()
    .pipe(z.number().min(480))
    .prefault('64KiB')
    .meta({ description: 'Longest message; longer ones are cut, marked and counted.', argument: 'size' }),
  maxRate: z.int().min(1).default(50_000).meta({
    description:
      'Messages taken in a second; above that datagrams are dropped and counted, and connections have to wait.',
  }),
  receiveBuffer: byteSize().pipe(z.number().min(4096)).prefault('1MiB').meta({
    description: 'What the system may hold of datagrams that were not read yet (SO_RCVBUF).',
    argument: 'size',
  }),
  maxConnections: z
    .int()
    .min(1)
    .default(1000)
    .meta({ description: 'Connections at a time; further ones are refused and counted.' }),
  idleTimeout: duration()
    .pipe(z.number().min(1000))
    .prefault('10m')
    .meta({ description: 'A connection that is silent for so long is closed.', argument: 'time' }),
})

/** Its options, checked and with their defaults. */
export type SyslogOptions = z.output<typeof options>

const SECOND = 1000

/** Takes syslog messages from the network. Never answers, never waits, and drops by number what is too much. */
export class SyslogSource implements SourceComponent {
  #options: SyslogOptions
  #programs: Set<string>
  #context!: SourceContext
  #emit!: Emit
  #heads: SyslogHeads
  #parser: LineParser | undefined
  #parse: OnLine | undefined
  #endParser = () => {}
  #syslogHead = false
  #udp: UdpInput[] = []
  #tcp: TcpInput[] = []
  #stopClock = () => {}
  /** Messages of this second. */
  #taken = 0
  /** When the message in hand was written, for events of parsers that find no time in it. */
  #time: number | undefined
  #counters = { messages: 0, datagrams: 0, truncated: 0, overRate: 0, eventless: 0, refused: 0 }
  #tcpCounters = newTcpCounters()
  #logCounters = newLogCounters()

  constructor(given: SyslogOptions) {
    this.#options = given
    this.#programs = new Set(given.program)
    this.#heads = new SyslogHeads({ zone: given.zone })
  }

  /** Where it listens. */
  get listening(): { udp: string[]; tcp: string[] } {
    const show = (inputs: { address: Address }[]) => inputs.map(({ address }) => showAddress(address))
    return { udp: show(this.#udp), tcp: show(this.#tcp) }
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    this.#emit = emit
    this.#context = context
    const { clock, log } = context
    this.#heads.begin(clock.now())
    if (this.#options.parser !== undefined) await this.#openParser(this.#options.parser)
    let { udp, tcp } = this.#options
    if (udp.length + tcp.length === 0) udp = tcp = [String(DEFAULT_PORT)]
    try {
      for (const text of udp) await this.#bind(text, (address) => this.#openUdp(address))
      for (const text of tcp) await this.#bind(text, (address) => this.#openTcp(address))
    } catch (error) {
      await this.#closeInputs()
      throw error
    }
    this.#stopClock = clock.every(SECOND, () => this.#tick())
    log.info(this.listening, 'syslog is listened for')
  }

  async close(): Promise<void> {
    this.#stopClock()
    await Promise.all(this.#udp.map((input) => input.look()))
    await this.#closeInputs()
    this.#endParser()
  }

  counters(): Counters {
    const kernelDropped = this.#udp.reduce((sum, input) => sum + input.kernelDropped, 0)
    const { events, unparsed, refused } = this.#logCounters
    return {
      ...this.#counters,
      refused: this.#counters.refused + refused,
      kernelDropped,
      ...this.#tcpCounters,
      ...(this.#parser && { events, unparsed }),
    }
  }

  async #openParser(name: string): Promise<void> {
    const { create, syslogHead } = await this.#context.findParser(name, this.#options.parserOptions ?? {})
    const parser = create()
    parser.begin?.(this.#context.clock.now())
    const emit: Emit = (event) =>
      this.#emit(event.time || this.#time === undefined ? event : { ...event, time: new Date(this.#time) })
    const { onLine, end } = emitLines(parser, 'syslog', emit, this.#logCounters)
    this.#parser = parser
    this.#parse = onLine
    this.#endParser = end
    this.#syslogHead = syslogHead
  }

  async #bind(text: string, open: (address: Address) => Promise<void>): Promise<void> {
    try {
      await open(readAddress(text)!)
    } catch (error) {
      throw new EventstormError(
        'BIND_FAILED',
        `expected to listen for syslog on ${text}, but: ${reason(error)}; choose another port, or stop what holds it (ports below 1024 need rights)`,
        error,
      )
    }
  }

  async #openUdp(address: Address): Promise<void> {
    const { receiveBuffer, maxMessageBytes, maxRate } = this.#options
    const input = await UdpInput.open(address, receiveBuffer, this.#context.log, (bytes, sender) => {
      this.#counters.datagrams++
      if (this.#taken >= maxRate) {
        this.#counters.overRate++
        return
      }
      this.#take(bytes.subarray(0, maxMessageBytes), sender, bytes.length > maxMessageBytes)
    })
    this.#udp.push(input)
  }

  async #openTcp(address: Address): Promise<void> {
    const now = () => this.#context.clock.now()
    const input = await TcpInput.open(address, this.#options, this.#tcpCounters, now, (...message) => {
      this.#take(...message)
      if (this.#taken >= this.#options.maxRate) for (const each of this.#tcp) each.pause(true)
    })
    this.#tcp.push(input)
  }

  async #closeInputs(): Promise<void> {
    await Promise.all([...this.#udp, ...this.#tcp].map((input) => input.close()))
  }

  #tick(): void {
    const now = this.#context.clock.now()
    this.#taken = 0
    this.#heads.begin(now)
    for (const input of this.#tcp) {
      input.sweep(now)
      input.pause(false)
    }
    for (const input of this.#udp) void input.look()
    for (const event of this.#parser?.expire?.(now) ?? []) this.#send(event)
  }

  #send(event: NewEvent): void {
    try {
      this.#emit(event)
    } catch (error) {
      // Nothing that a stranger sends may end the source.
      this.#counters.refused++
      this.#context.log.warn({ error: reason(error) }, 'message could not be sent on')
    }
  }

  #take(bytes: Buffer, sender: string, truncated: boolean): void {
    this.#taken++
    this.#counters.messages++
    if (truncated) this.#counters.truncated++
    // Many senders end a datagram like a line, or like a text of C.
    const text = bytes.toString('utf8').replace(/[\r\n\0]+$/, '')
    const { message, time } = readSyslog(text, this.#heads)
    const { program = '' } = message
    if (this.#parse !== undefined && (this.#programs.size === 0 || this.#programs.has(program))) {
      this.#time = time
      // rsyslog's own template for RFC 5424 leaves the blank that stood behind the program's colon.
      const stripped = { ...message, message: message.message.replace(/^ /, '') }
      const now = time ?? this.#context.clock.now()
      const before = this.#logCounters.events + this.#logCounters.unparsed
      this.#parse(this.#syslogHead ? toLine(stripped, now) : stripped.message, truncated)
      if (this.#logCounters.events + this.#logCounters.unparsed === before) this.#counters.eventless++
      return
    }
    const data: SyslogMessage & { sender: string; truncated?: true } = { ...message, sender }
    if (truncated) data.truncated = true
    this.#send({ type: 'syslog.message', data, ...(time !== undefined && { time: new Date(time) }) })
  }
}

/** Takes syslog messages from the network. */
export default defineSource({
  name: 'syslog',
  summary: 'Syslog messages from the network, over UDP and TCP.',
  types: ['syslog.message', 'log.unparsed'],
  hints,
  counters: {
    ...LOG_COUNTERS,
    messages: total('Syslog messages taken.'),
    datagrams: total('Datagrams that came, those dropped above the rate too.'),
    truncated: total('Messages that came cut, or were cut at maxMessageBytes.'),
    overRate: total('Datagrams dropped because more came in a second than are taken.'),
    eventless: total('Messages of which the parser made no event.'),
    kernelDropped: total('Datagrams that the system threw away before they could be read.'),
    connectionsOpen: level('Connections that are open.'),
    connectionsAccepted: total('Connections that were accepted.'),
    connectionsRefused: total('Connections refused because too many were open.'),
    connectionsIdle: total('Connections closed because nothing came for too long.'),
    connectionsBroken: total('Connections that ended with an error.'),
  },
  options,
  create: (given) => new SyslogSource(given),
})
