/**
 * What floods of strangers cost the honest: how long their events take through a router, how many are lost, and what
 * memory the router needs; with keys and without. And what a flood of somebody costs who is in the list.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { identity, keyList } from '../testing/keys.js'
import { FLOODS } from './flood.js'
import { RoleProcess } from './processes.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const RATE = size('BENCH_RATE', 5000, 1000)
const SECONDS = size('BENCH_SECONDS', 5, 0.3)
const ADMITTED_SECONDS = size('BENCH_ADMITTED_SECONDS', 20, 0.5)
/** How long counts may take to come to rest after a flood, seconds. */
const PATIENCE = 20
const MAX_MEMORY = '256MiB'

const [server, peer, unknown] = [identity('server'), identity('peer'), identity('unknown')]
const allowed = keyList(peer.line)
const curveOf = ({ publicKey, secretKey }: typeof peer) => ({
  publicKey,
  secretKey,
  serverKey: server.publicKey,
})

const ENDPOINTS = {
  plain: { guarded: false },
  'CURVE, no key': { guarded: true },
  'CURVE, wrong key': { guarded: true, curve: curveOf(unknown) },
  'CURVE, admitted': { guarded: true, curve: curveOf(peer) },
}
type Endpoint = keyof typeof ENDPOINTS

interface Seen {
  received: number
  lost: number
  p50: number
  p99: number
}
interface Router {
  peak: number
  resets: number
  refused: number
  ofFlood: { received: number; lost: number }
}

async function look<T>(role: RoleProcess, key: string): Promise<T> {
  role.tell({ look: true })
  return role.report<T & Record<string, unknown>>(key)
}

/** Asks until it is so, or for too long. */
async function settled<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + PATIENCE * 1000
  for (;;) {
    const answer = await ask()
    if (done(answer) || performance.now() > end) return answer
    await pause(200)
  }
}

async function run(flood: string | undefined, where: Endpoint): Promise<{ row: Row; right: boolean }> {
  const { guarded, ...attack } = ENDPOINTS[where]
  const lists = { key: server.key, allowSources: [allowed], allowSinks: [allowed] }
  const keys = guarded ? { key: peer.key, serverKey: [server.publicKey] } : {}
  const started: RoleProcess[] = []
  const start = (role: string, options: object) => {
    const process = new RoleProcess(role, options, './floods-roles.js')
    started.push(process)
    return process
  }
  const label = { flood: flood ?? 'none', endpoint: guarded && flood === undefined ? 'CURVE' : where }
  try {
    const router = start('router', { router: { maxMemory: MAX_MEMORY, ...(guarded && lists) } })
    const { ready, sinks } = await router.report<{ ready: string; sinks: string }>('ready')
    const sink = start('sink', { endpoint: sinks, keys })
    await sink.report('ready')
    const source = start('source', { endpoint: ready, rate: RATE, keys })
    await source.report('ready')
    const seconds = flood === 'admitted' ? ADMITTED_SECONDS : SECONDS
    const stranger =
      flood === undefined
        ? undefined
        : start('stranger', { flood, ...attack, sources: ready, sinks, seconds })
    await stranger?.report('ready')
    source.tell({ go: true })
    stranger?.tell({ go: true })
    if (stranger === undefined) await pause(SECONDS * 1000)
    const flooded = (await stranger?.report<{ flooded: number }>('flooded'))?.flooded ?? 0
    source.tell({ halt: true })
    const { sent } = await source.report<{ sent: number }>('sent')
    const honest = await settled(
      () => look<Seen>(sink, 'received'),
      ({ received, lost }) => received + lost === sent,
    )
    const of = await settled(
      () => look<Router>(router, 'peak'),
      ({ ofFlood }) => flood !== 'admitted' || ofFlood.received + ofFlood.lost === flooded,
    )
    const balance = sent - honest.received - honest.lost
    const floodBalance = flood === 'admitted' ? flooded - of.ofFlood.received - of.ofFlood.lost : 0
    const row = {
      ...label,
      'p50 ms': honest.p50.toFixed(1),
      'p99 ms': honest.p99.toFixed(1),
      sent,
      lost: honest.lost,
      balance,
      'router peak MB': Math.round(of.peak),
      refused: of.refused,
      resets: of.resets,
      alive: 'yes',
    }
    if (flood === 'admitted') admittedRows.push({ sent: flooded, ...of.ofFlood, balance: floodBalance })
    return { row, right: balance === 0 && floodBalance === 0 }
  } catch (error) {
    console.error(`${label.flood} at ${label.endpoint}: ${(error as Error).message}`)
    return { row: { ...label, alive: 'NO' }, right: false }
  } finally {
    for (const process of started) await process.stop()
  }
}

const admittedRows: Row[] = []
const names = Object.keys(FLOODS)
const withKeys = new Set(['handshakes by libzmq'])
const quickly = new Set(['garbage bytes', 'PINGs, then a reset'])
const cases: [string | undefined, Endpoint][] = [
  [undefined, 'CURVE, no key'],
  ...names.map((name): [string, Endpoint] => [
    name,
    withKeys.has(name) ? 'CURVE, wrong key' : 'CURVE, no key',
  ]),
  [undefined, 'plain'],
  ...names.filter((name) => !withKeys.has(name)).map((name): [string, Endpoint] => [name, 'plain']),
  ['admitted', 'CURVE, admitted'],
]
const rows: Row[] = []
let right = true
for (const [flood, where] of cases) {
  if (quick && flood !== undefined && flood !== 'admitted' && !quickly.has(flood)) continue
  if (process.env.BENCH_FLOOD && flood !== undefined && flood !== process.env.BENCH_FLOOD) continue
  const result = await run(flood, where)
  rows.push({ ...result.row, right: result.right ? 'yes' : 'NO' })
  right &&= result.right
  process.stderr.write(`${Object.values(rows.at(-1)!).join('  ')}\n`)
}
table(`an honest source at ${RATE} events/s through a router with ${MAX_MEMORY}, ${SECONDS} s a flood`, rows)
if (admittedRows.length > 0)
  table(`what an admitted peer sent in ${ADMITTED_SECONDS} s, as the router counts it`, admittedRows)
finish('floods', { rate: RATE, seconds: SECONDS }, right)
