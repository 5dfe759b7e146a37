import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

/**
 * What passes through `eventstorm parse nginx` adds up to what GoAccess, an analyser of its own descent, counts in the
 * same file: the sample, and the files of combined format that EVENTSTORM_ACCESS_LOGS names, with colons between.
 */

const SAMPLE = fileURLToPath(new URL('../../sources/nginx/samples/access.log', import.meta.url))
const CLI = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))
const files = [SAMPLE, ...(process.env.EVENTSTORM_ACCESS_LOGS?.split(':') ?? [])]
const program = 'goaccess'
const LARGE = { maxBuffer: 1024 ** 3 }

interface Totals {
  requests: number
  bytes: number
  statuses: Record<string, number>
}

function ours(input: Buffer): Totals {
  const { stdout, status } = spawnSync(process.execPath, [CLI, 'parse', 'nginx', '-'], { input, ...LARGE })
  assert.equal(status, 0)
  const totals: Totals = { requests: 0, bytes: 0, statuses: {} }
  for (const line of stdout.toString().trimEnd().split('\n')) {
    const { type, data } = JSON.parse(line)
    assert.equal(type, 'http.hit', line)
    totals.requests++
    totals.bytes += data.bodyBytesSent ?? 0
    totals.statuses[data.status] = (totals.statuses[data.status] ?? 0) + 1
  }
  return totals
}

/** @param refused where it puts the lines that it cannot read */
function theirs(input: Buffer, report: string, refused: string): Totals & { refused: number } {
  const flags = ['--no-global-config', '--no-progress', '--log-format=COMBINED', '--date-spec=date']
  const run = spawnSync(program, [...flags, '-o', report, `--invalid-requests=${refused}`, '-'], {
    input,
    ...LARGE,
  })
  assert.equal(run.status, 0, run.stderr.toString())
  // Its JSON may hold bytes that are no UTF-8, which is no concern here.
  const { general, status_codes } = JSON.parse(readFileSync(report, 'latin1'))
  const statuses: Record<string, number> = {}
  for (const { items } of status_codes.data) {
    for (const { data, hits } of items) statuses[data.slice(0, 3)] = hits.count
  }
  return {
    requests: general.valid_requests,
    bytes: general.bandwidth,
    statuses,
    refused: general.failed_requests,
  }
}

function add(a: Totals, b: Totals): Totals {
  const statuses = { ...a.statuses }
  for (const [status, count] of Object.entries(b.statuses)) statuses[status] = (statuses[status] ?? 0) + count
  return { requests: a.requests + b.requests, bytes: a.bytes + b.bytes, statuses }
}

for (const file of files) {
  test(`requests, statuses and bytes are those that GoAccess counts: ${file}`, (t: TestContext) => {
    if (spawnSync(program, ['--version']).error !== undefined) {
      assert.ok(!process.env.CI, 'expected goaccess in CI, found none')
      t.skip('NO GOACCESS HERE: install goaccess to run this test')
      return
    }
    const directory = mkdtempSync(join(tmpdir(), 'storm-goaccess-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const bytes = readFileSync(file)
    const input = file.endsWith('.gz') ? gunzipSync(bytes) : bytes
    const refusedFile = join(directory, 'refused')
    const { refused, ...counted } = theirs(input, join(directory, 'report.json'), refusedFile)
    // It gives up on user names with a "[", for one. Such a line is ours alone to count.
    const left = refused > 0 && existsSync(refusedFile) ? ours(readFileSync(refusedFile)) : undefined
    assert.equal(left?.requests ?? 0, refused)
    assert.deepEqual(ours(input), left === undefined ? counted : add(counted, left))
    assert.ok(counted.requests > 0.99 * (counted.requests + refused))
  })
}
