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

const dockerfile = readFileSync(new URL('Dockerfile', ROOT), 'utf8')

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
  const crew = readFileSync(new URL('cli/run/crew.ts', ROOT), 'utf8')
  const deadlines = [...crew.matchAll(/_DEADLINE = ([\d_]+)/g)].map(([, ms]) => Number(ms!.replace('_', '')))
  assert.equal(deadlines.length, 2)
  const [stop] = of('TimeoutStopSec')
  assert.ok(
    Number.parseInt(stop!, 10) * 1000 > deadlines.reduce((a, b) => a + b),
    'it is killed while it drains',
  )
})

test('the Dockerfile is one that hadolint has nothing against', (t) => {
  const program = process.env.EVENTSTORM_HADOLINT ?? findProgram('hadolint')
  if (program === undefined) {
    assert.ok(!process.env.CI, 'hadolint is missing: set EVENTSTORM_HADOLINT to its path')
    return t.skip(
      'NO HADOLINT HERE: install hadolint, or set EVENTSTORM_HADOLINT to its path, to run this test',
    )
  }
  const lint = (text: string) => spawnSync(program, ['--no-color', '-'], { input: text, encoding: 'utf8' })
  const { status, stdout, stderr } = lint(dockerfile)
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
  assert.match(lint(dockerfile.replace('USER 1000:1000', 'USER root')).stdout, /DL3002/, 'it would say so')
})

test('the Dockerfile and the program agree', () => {
  const manifest = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
  const of = (instruction: string) =>
    [...dockerfile.matchAll(new RegExp(`^${instruction} (\\S.*)$`, 'gm'))].map(([, rest]) => rest)
  const [entry, command] = [JSON.parse(of('ENTRYPOINT')[0]!), JSON.parse(of('CMD')[0]!)]
  assert.deepEqual(entry, ['node', `/opt/eventstorm/${manifest.bin.eventstorm}`])
  const port = command[command.indexOf('--metrics') + 1]
  assert.match(dockerfile, new RegExp(`fetch\\('http://127\\.0\\.0\\.1:${port}/livez'\\)`))
  assert.deepEqual(of('USER'), ['1000:1000'])
  const versions = [...dockerfile.matchAll(/((?:@\w+\/)?[\w-]+)@(\d[\w.-]+)/g)]
  assert.equal(versions.length, 3)
  for (const [, name, version] of versions) assert.equal(version, manifest.devDependencies[name!], name)
  const base = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image))
  assert.equal(base.size, 1, 'what was built is for the image that it runs in')
})
