/**
 * How many lines of an access log a second: parsed, and the whole way to the wire, each program on one core, against
 * mtail and GoAccess counting the same file, and against the program a user would write.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeAccessLog } from './access-log.js'
import { median } from './processes.js'
import { finish, type Row, table } from './report.js'
import { size } from './size.js'

// So many that the start of a process, and what V8 compiles first, is little of the whole: these programs run for years.
const LINES = size('BENCH_LINES', 2_000_000, 1000)
const ROUNDS = size('BENCH_ROUNDS', 3, 1)

// As mtail's own program for the combined format: every field is matched, some are counted by.
const MTAIL = `counter requests by method, version, status
counter bytes
/^(?P<address>\\S+) (?P<ident>\\S+) (?P<user>\\S+) \\[(?P<time>\\d{2}\\/\\w{3}\\/\\d{4}:\\d{2}:\\d{2}:\\d{2} [+-]\\d{4})\\] "(?P<method>\\S+) (?P<target>\\S+) HTTP\\/(?P<version>[0-9.]+)" (?P<status>\\d{3}) (?P<bytes>\\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$/ {
  strptime($time, "02/Jan/2006:15:04:05 -0700")
  requests[$method, $version, $status]++
  bytes += $bytes
}
`

interface Outcome {
  seconds: number
  right: boolean
}

const folder = mkdtempSync(join(tmpdir(), 'storm-parse-'))
const log = join(folder, 'access.log')
const roles = fileURLToPath(new URL('./parse-roles.js', import.meta.url))
const has = (program: string) => spawnSync('which', [program]).status === 0
// Everything on the first core, so that programs of one thread and of many are measured alike.
const pinned = has('taskset') ? ['taskset', '-c', '0'] : []

process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const expected = await writeAccessLog(log, LINES)

function timed(command: string[], check: (stdout: string) => boolean, where = pinned): Outcome {
  const [program, ...args] = [...where, ...command] as [string, ...string[]]
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  const seconds = (performance.now() - start) / 1000
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${stderr.slice(0, 500)}`)
  return { seconds, right: check(stdout) }
}

const sameTotals = (stdout: string) => {
  const { lines, statusSum, bodyBytes } = JSON.parse(stdout)
  return lines === expected.lines && statusSum === expected.statusSum && bodyBytes === expected.bodyBytes
}

let counter: ChildProcess | undefined
/** @param where the program runs; its subscriber runs where there is room */
async function published(where = pinned): Promise<Outcome> {
  counter ??= fork(roles, ['count'])
  const endpoint = endpointOf ?? ((await once(counter, 'message'))[0] as { ready: string }).ready
  endpointOf = endpoint
  const before = await received()
  const outcome = timed(
    [process.execPath, roles, 'publish', log, endpoint],
    (out) => JSON.parse(out).lines === LINES,
    where,
  )
  for (let attempt = 0; attempt < 1500 && (await received()) - before < LINES; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { ...outcome, right: outcome.right && (await received()) - before === LINES }
}
let endpointOf: string | undefined
async function received(): Promise<number> {
  counter!.send({ look: true })
  return ((await once(counter!, 'message'))[0] as { received: number }).received
}

writeFileSync(join(folder, 'access.mtail'), MTAIL)
const cases: Record<string, () => Outcome | Promise<Outcome>> = {
  'readline + regular expression + bson': () => timed([process.execPath, roles, 'naive', log], sameTotals),
  'eventstorm, parsed': () => timed([process.execPath, roles, 'parse', log], sameTotals),
  'eventstorm, encoded': () =>
    timed([process.execPath, roles, 'encode', log], (out) => JSON.parse(out).lines === LINES),
  'eventstorm, encoded, published': () => published(),
  'eventstorm, encoded, published, on all cores': () => published([]),
}
if (has('mtail')) {
  const command = ['mtail', '--one_shot', '--one_shot_format', 'json', '--progs', folder, '--logs', log]
  cases['mtail, counting'] = () => timed(command, (out) => out.includes(String(expected.bodyBytes)))
}
if (has('goaccess')) {
  const command = [
    'goaccess',
    log,
    '--log-format=COMBINED',
    '--no-progress',
    '-o',
    join(folder, 'report.json'),
  ]
  const total = new RegExp(`"valid_requests": ${LINES}\\b`)
  cases['GoAccess, reporting'] = () =>
    timed(
      ['sh', '-c', `${command.map((word) => `'${word}'`).join(' ')} >/dev/null && head -c 2000 report.json`],
      (out) => total.test(out),
    )
}
for (const missing of ['mtail', 'goaccess'].filter((program) => !has(program))) {
  console.error(`${missing} is not installed (apt-get install ${missing}): not compared`)
}

const results: Record<string, Outcome[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(cases)) {
    const outcome = await run()
    results[name] = [...(results[name] ?? []), outcome]
    process.stderr.write(
      `round ${round + 1}/${ROUNDS}  ${name}: ${Math.round(LINES / outcome.seconds)} lines/s\n`,
    )
  }
}
counter?.kill()

const rate = (name: string) =>
  results[name] ? LINES / median(results[name].map((each) => each.seconds)) : Number.NaN
const [naive] = Object.keys(cases) as [string]
const rows: Row[] = Object.keys(cases).map((name) => ({
  program: name,
  'lines/s': Math.round(rate(name)),
  'x usual program': (rate(name) / rate(naive)).toFixed(2),
  'x mtail': Number.isNaN(rate('mtail, counting')) ? '' : (rate(name) / rate('mtail, counting')).toFixed(2),
  right: results[name]!.every((each) => each.right) ? 'yes' : 'NO',
}))
const megabytes = (expected.bytes / 1e6).toFixed(0)
table(
  `an access log of ${LINES} lines (${megabytes} MB), whole processes on one core, ${ROUNDS} rounds, medians`,
  rows,
)
finish(
  'parse',
  { lines: LINES, rounds: ROUNDS, results },
  rows.every((row) => row.right === 'yes'),
)
