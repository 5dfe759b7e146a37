/**
 * How many events a second go from an object in one process to an object in another over tcp: directly, through a router,
 * with two fields read and as bytes; against a C program on libzmq, the program a user would write (one event a message),
 * and what a user would pick instead. All in one run, in turns, so that the ratios hold on a noisy machine; everything that
 * arrives is verified. At most 40,000 events are on the way, for each of them alike: the receiver tells the sender how far
 * it is. Only the C program has libzmq's own bound instead, 1000 messages at each end.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BSON } from 'bson'
import { buildCeiling, scratch } from './ceiling.js'
import { Checksum, hit, type Look, POOL, pooledHit } from './event.js'
import { installClients, PEERS, type Peer, startPeer } from './peers.js'
import { Line, median, type Player } from './processes.js'
import { finish, NOT_HERE, type Row, table } from './report.js'
import { quick, size } from './size.js'
import { stalled } from './stalled.js'

const COUNT = size('BENCH_EVENTS', 200_000, 2000)
const ROUNDS = size('BENCH_ROUNDS', 5, 1)
/** Events of one message, where they are a list in JSON. */
const LIST = 100

interface Contender {
  sender: Player
  receiver: Player
  routed?: boolean
  /** How many times COUNT events, so that the fast ones run long enough, too. */
  times: number
  look: Look
  broker?: Peer
  /** Why it cannot be compared with here. */
  missing?: string
}

interface Result {
  rate: number
  received: number
  right: boolean
  /** Seconds for all events. */
  cpu: { sender: number; between?: number; receiver: number }
}

const NAIVE = 'naive zeromq + bson, one event a message'
const DIRECT = 'eventstorm, every field read'
const folder = scratch()
const time = new Date()
/** What the C program sends: the events of the pool, as bytes. */
const DOCUMENTS = Buffer.concat(
  Array.from({ length: POOL }, (_, n) => BSON.serialize({ time, data: hit(n) })),
)

function ours(sender: string, look: Look, times: number, routed = false, v8 = false): Contender {
  const program = './throughput-roles.js'
  return {
    sender: { role: sender, program, options: { v8 } },
    receiver: { role: 'receiver', program, options: { look, v8 } },
    routed,
    times,
    look,
  }
}

function theirs(client: string, peer: Peer | { missing: string }, batch: number, times: number): Contender {
  const options = 'missing' in peer ? {} : { url: peer.url, batch }
  const player = (who: string) => ({ role: `${client}${who}`, program: './peer-roles.js', options })
  const found = 'missing' in peer ? { missing: peer.missing } : { broker: peer }
  return { sender: player('Sender'), receiver: player('Receiver'), times, look: 'all', ...found }
}

function ceiling(): Contender {
  const built = buildCeiling(folder)
  const events = join(folder, 'events.bson')
  writeFileSync(events, DOCUMENTS)
  const found = 'missing' in built ? built : {}
  const player = (role: string) => ({
    role,
    program: 'program' in built ? built.program : '',
    options: { events },
  })
  return { sender: player('send'), receiver: player('receive'), times: 40, look: 'number', ...found }
}

async function run({ sender, receiver, routed = false, times, look, broker }: Contender): Promise<Result> {
  const count = COUNT * times
  await using line = await Line.start(sender, receiver, routed, { count })
  const before = broker?.cpu() ?? 0
  await line.router?.used()
  line.sender.tell({ go: true })
  const [sent, got] = await Promise.all([
    line.sender.report<{ sent: number; cpu: number }>('sent'),
    line.receiver.report<{ received: number; checksum: string; seconds: number; cpu: number }>('received'),
  ])
  const between = (await line.router?.used()) ?? (broker && broker.cpu() - before)
  return {
    rate: got.received / got.seconds,
    received: got.received,
    right: got.checksum === Checksum.expected(count, look, pooledHit) && sent.sent === count,
    cpu: { sender: sent.cpu, receiver: got.cpu, ...(between !== undefined && { between }) },
  }
}

const clients = installClients()
const peers: Record<string, Peer | { missing: string }> = {}
for (const name in PEERS) peers[name] = clients ? { missing: clients } : await startPeer(name, folder)

const everybody: Record<string, Contender> = {
  [NAIVE]: {
    sender: { role: 'naiveSender', program: './throughput-roles.js' },
    receiver: { role: 'naiveReceiver', program: './throughput-roles.js' },
    times: 1,
    look: 'all',
  },
  [DIRECT]: ours('sender', 'all', 15),
  'eventstorm, every field read, V8 left alone': ours('sender', 'all', 15, false, true),
  'eventstorm, two fields read': ours('sender', 'two', 15),
  'eventstorm, every field, through a router': ours('sender', 'all', 10, true),
  'eventstorm, bytes to bytes': ours('bytesSender', 'number', 40),
  'C on libzmq, bytes to bytes': ceiling(),
  'NATS, JSON, one event a message': theirs('nats', peers.NATS!, 1, 2.5),
  [`NATS, JSON, ${LIST} a message`]: theirs('nats', peers.NATS!, LIST, 4),
  'Redis pub/sub, JSON, one event a message': theirs('redis', peers['Redis pub/sub']!, 1, 1),
  [`Redis pub/sub, JSON, ${LIST} a message`]: theirs('redis', peers['Redis pub/sub']!, LIST, 4),
  'MQTT (Mosquitto), JSON, one event a message': theirs('mqtt', peers['MQTT (Mosquitto)']!, 1, 1),
  [`MQTT (Mosquitto), JSON, ${LIST} a message`]: theirs('mqtt', peers['MQTT (Mosquitto)']!, LIST, 4),
}

// A quick run need not show both.
const contenders = Object.fromEntries(
  Object.entries(everybody).filter(([name]) => !quick || !name.includes(`${LIST} a message`)),
)

const results: Record<string, Result[]> = {}
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      if (contender.missing) continue
      const result = await run(contender)
      results[name] = [...(results[name] ?? []), result]
      process.stderr.write(`round ${round + 1}/${ROUNDS}  ${name}: ${Math.round(result.rate)} events/s\n`)
    }
  }
} finally {
  for (const peer of Object.values(peers)) if (!('missing' in peer)) await peer.stop()
}

/** Of neighbours in time, since the machine's load changes from round to round. */
const ratio = (name: string, to: string) =>
  median(results[name]!.map((each, round) => each.rate / results[to]![round]!.rate)).toFixed(2)

function row([name, { times, missing }]: [string, Contender]): Row {
  const all = results[name]
  if (all === undefined) {
    console.error(`NOT COMPARED: ${name}: ${missing}`)
    return { case: name, 'events/s': NOT_HERE }
  }
  const rates = all.map((each) => each.rate)
  const microseconds = (of: (cpu: Result['cpu']) => number | undefined) => {
    const seconds = all.map(({ cpu }) => of(cpu)).filter((each) => each !== undefined)
    return seconds.length === 0 ? '' : ((median(seconds) * 1e6) / (COUNT * times)).toFixed(2)
  }
  return {
    case: name,
    'events/s': Math.round(median(rates)),
    min: Math.round(Math.min(...rates)),
    max: Math.round(Math.max(...rates)),
    'x naive': ratio(name, NAIVE),
    'x eventstorm': ratio(name, DIRECT),
    'sender us/event': microseconds((cpu) => cpu.sender),
    'between us/event': microseconds((cpu) => cpu.between),
    'receiver us/event': microseconds((cpu) => cpu.receiver),
    lost: all.reduce((sum, each) => sum + (COUNT * times - each.received), 0),
    right: all.every((each) => each.right) ? 'yes' : 'NO',
  }
}

const rows = Object.entries(contenders).map(row)
table(
  `events of 15 fields (${Math.round(DOCUMENTS.length / POOL)} bytes of BSON), object to object over tcp, ${ROUNDS} rounds of ${COUNT} events (fast ones of more), medians`,
  rows,
)
const [bytes, native] = ['eventstorm, bytes to bytes', 'C on libzmq, bytes to bytes']
if (results[native]) console.log(`\n${native}: ${ratio(native, bytes)} times ${bytes}`)

const still = await stalled(COUNT * 6)
const right = rows.every((each) => each.right !== 'NO') && still.right
finish('throughput', { count: COUNT, rounds: ROUNDS, results, stalled: still.figures }, right)
