/**
 * What browsers cost: 500 of them at 4 ticks a second of about 2 KB, on ws and, when EVENTSTORM_UWS names its module file,
 * on uWebSockets.js; and a flood of 100,000 events a second at a sink with 50 browsers, which must not lose any.
 * Sink, browsers and source are processes of their own; delays are from the making of a tick to its arrival.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { attach, EventSource } from '../lib/index.js'
import type { LiveSink } from '../sinks/websocket/live-sink.js'
import { type ServerFrame, SUBPROTOCOL } from '../sinks/websocket/protocol.js'
import websocket from '../sinks/websocket/websocket.js'
import { finish, type Row, table } from './report.js'
import { size } from './size.js'

const SECONDS = size('BENCH_SECONDS', 10, 0.5)
const BROWSERS = size('BENCH_BROWSERS', 500, 5)
const FLOOD = size('BENCH_RATE', 100_000, 1000)
/** How long what was sent may take to come, milliseconds. */
const PATIENCE = 30_000
const SELF = fileURLToPath(import.meta.url)

const tell = (message: object) => process.send?.(message)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The sink. Tells where it is, and on request what it used and counted. */
async function serve(transport: string, uwsPath?: string): Promise<void> {
  const given = { port: 0, transport, ...(uwsPath ? { uwsPath } : {}) }
  const component = websocket.create(websocket.options.parse(given)) as LiveSink
  const sink = await attach(component, { ...websocket.defaults, bind: ['tcp://127.0.0.1:0'] })
  tell({ url: component.url, endpoint: sink.endpoints[0] })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    tell({ cpu: user + system, rss: process.memoryUsage().rss, counters: sink.counters() })
  })
}

/** Browsers that acknowledge everything; tells the delays and sizes of their ticks. */
async function browse(url: string, count: number, hz: number): Promise<void> {
  let delays: number[] = []
  let bytes = 0
  let gaps = 0
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}ws`, SUBPROTOCOL)
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ServerFrame
      if (frame.f === 'gap') gaps++
      if (frame.f !== 't') return
      socket.send(`{"f":"ack","view":${frame.view},"q":${frame.q}}`)
      delays.push(Date.now() - frame.now)
      bytes += data.length
    })
    await once(socket, 'open')
    const want = ['counts', 'values', 'spreads', 'states', 'rows']
    socket.send(JSON.stringify({ f: 'sub', id: 1, match: ['**'], want, hz, rows: 2 }))
  }
  tell({ ready: true })
  process.on('message', () => {
    delays.sort((a, b) => a - b)
    const at = (q: number) => delays[Math.floor(q * (delays.length - 1))] ?? 0
    tell({ ticks: delays.length, size: Math.round(bytes / delays.length), p50: at(0.5), p99: at(0.99), gaps })
    delays = []
    bytes = 0
  })
}

/** Emits at an even rate, and tells at the end how many. */
async function emit(endpoint: string, rate: number, types: number): Promise<void> {
  const source = new EventSource({ source: 'bench', connect: [endpoint] })
  await source.subscribed('bench.t0', { timeout: 10_000 })
  const start = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * rate
    for (; sent < due; sent++) {
      const data = { took_ms: (sent * 7919) % 1000, load: sent % 100, path: '/a/b', status: 200 + (sent % 3) }
      source.emit(`bench.t${sent % types}`, data)
    }
  }, 5)
  process.once('message', async () => {
    clearInterval(timer)
    await source.drain(60_000)
    tell({ sent })
  })
}

interface Role {
  child: ChildProcess
  first: Promise<Record<string, unknown>>
  ask(): Promise<Record<string, unknown>>
}

function start(...args: (string | number)[]): Role {
  const child = fork(SELF, args.map(String))
  return {
    child,
    first: once(child, 'message').then(([message]) => message),
    async ask() {
      const answer = once(child, 'message')
      child.send({})
      return (await answer)[0]
    },
  }
}

const received = ({ counters }: Record<string, unknown>) => (counters as { received: number }).received

async function measure(transport: string, browsers: number, hz: number, rate: number, types: number) {
  const roles: Role[] = []
  const add = (...args: (string | number)[]) => {
    const role = start(...args)
    roles.push(role)
    return role
  }
  try {
    const server = add(
      'serve',
      transport,
      ...(process.env.EVENTSTORM_UWS ? [process.env.EVENTSTORM_UWS] : []),
    )
    const { url, endpoint } = (await server.first) as { url: string; endpoint: string }
    const source = add('emit', endpoint, rate, types)
    const clients = add('browse', url, browsers, hz)
    await clients.first
    await pause(2000)
    await clients.ask()
    const before = await server.ask()
    const begin = performance.now()
    await pause(SECONDS * 1000)
    const after = await server.ask()
    const seconds = (performance.now() - begin) / 1000
    const seen = await clients.ask()
    const { sent } = await source.ask()
    const counted = async () => ((await server.ask()) as { counters: Record<string, number> }).counters
    let counters = await counted()
    for (let waited = 0; Number(counters.received) < Number(sent) && waited < PATIENCE; waited += 100) {
      await pause(100)
      counters = await counted()
    }
    const dropped = Object.values(counters.dropped as unknown as Record<string, number>).reduce(
      (a, b) => a + b,
      0,
    )
    return {
      transport,
      browsers,
      'events/s': Math.round((received(after) - received(before)) / seconds),
      'ticks/s': Math.round(Number(seen.ticks) / seconds),
      'tick B': Number(seen.size),
      'p50 ms': Number(seen.p50),
      'p99 ms': Number(seen.p99),
      gaps: Number(seen.gaps),
      'CPU %': Math.round((Number(after.cpu) - Number(before.cpu)) / seconds / 1000) / 10,
      'RSS MB': Math.round(Number(after.rss) / 1e6),
      lost: Number(sent) - Number(counters.received),
      dropped,
    }
  } finally {
    for (const { child } of roles) child.kill()
  }
}

const [role, ...args] = process.argv.slice(2)
if (role === 'serve') await serve(args[0]!, args[1])
else if (role === 'browse') await browse(args[0]!, Number(args[1]), Number(args[2]))
else if (role === 'emit') await emit(args[0]!, Number(args[1]), Number(args[2]))
else {
  const transports = process.env.EVENTSTORM_UWS ? ['ws', 'uws'] : ['ws']
  const rows: Row[] = []
  for (const transport of transports) rows.push(await measure(transport, BROWSERS, 4, 200, 10))
  for (const transport of transports) rows.push(await measure(transport, 50, 1, FLOOD, 10))
  table('browsers, and a flood', rows)
  const right = rows.every(({ lost, dropped }) => lost === 0 && dropped === 0)
  finish('websocket', { seconds: SECONDS }, right)
}
