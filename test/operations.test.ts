import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { ROOT } from '../docs/tables.js'
import { findProgram } from '../servers/index.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-operations-'))
after(() => rmSync(folder, { recursive: true }))

const UNIT = 'eventstorm@.service'
/** What systemd-analyze calls exposure, times ten: the whole network and V8's own machine code are needed. */
const MAX_EXPOSURE = 15

const unit = readFileSync(new URL(`operations/${UNIT}`, ROOT), 'utf8')

/** The unit as it is, but for the program, which is not installed here. */
function unitFile(text = unit): string {
  const path = join(folder, UNIT)
  writeFileSync(path, text.replaceAll('/usr/local/bin/eventstorm', process.execPath))
  return path
}

/** What systemd has to say, with its exit code. */
function analyze(args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  return { code: status, said: `${stdout}${stderr}` }
}

function withSystemd(name: string, body: () => void): void {
  test(name, (t: TestContext) => {
    if (findProgram('systemd-analyze')) return body()
    assert.ok(!process.env.CI, 'systemd-analyze is missing: install systemd')
    t.skip('NO SYSTEMD HERE: install systemd to run this test')
  })
}

withSystemd('the systemd unit is one that systemd understands', () => {
  const { code, said } = analyze(['verify', '--man=no', unitFile()])
  assert.equal(said, '')
  assert.equal(code, 0)
  const misspelt = analyze(['verify', '--man=no', unitFile(unit.replace('ProtectSystem', 'ProtectSistem'))])
  assert.match(misspelt.said, /ProtectSistem/, 'it would say so')
})

withSystemd('the systemd unit gives the program little to do harm with', () => {
  const secure = (text?: string) =>
    analyze(['security', '--offline=true', `--threshold=${MAX_EXPOSURE}`, '--no-pager', unitFile(text)])
  const { code, said } = secure()
  assert.equal(code, 0, said)
  const careless = unit.replaceAll(/^(SystemCallFilter|CapabilityBoundingSet|RestrictNamespaces)=.*$/gm, '')
  assert.notEqual(secure(careless).code, 0, 'it would say so')
})

test('the systemd unit and the program agree', () => {
  const of = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value)
  assert.deepEqual(of('ExecStart'), ['/usr/local/bin/eventstorm up /etc/eventstorm/%i.yaml'])
  assert.deepEqual(of('ExecReload'), [
    '/usr/local/bin/eventstorm check /etc/eventstorm/%i.yaml',
    '/bin/kill -HUP $MAINPID',
  ])
  const program = readFileSync(new URL('cli/main.ts', ROOT), 'utf8')
  const codes = ['EX_USAGE', 'EX_CONFIG'].map(
    (name) => new RegExp(`const ${name} = (\\d+)`).exec(program)![1],
  )
  assert.deepEqual(of('RestartPreventExitStatus'), [codes.join(' ')])
  const crew = readFileSync(new URL('cli/crew.ts', ROOT), 'utf8')
  const deadlines = [...crew.matchAll(/_DEADLINE = ([\d_]+)/g)].map(([, ms]) => Number(ms!.replace('_', '')))
  assert.equal(deadlines.length, 2)
  const [stop] = of('TimeoutStopSec')
  assert.ok(
    Number.parseInt(stop!, 10) * 1000 > deadlines.reduce((a, b) => a + b),
    'it is killed while it drains',
  )
})
