import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findProgram } from '../../servers/index.js'
import { runToEnd } from '../fixtures/program.js'
import { readPipeline } from './pipeline.js'
import { planOf } from './plan.js'
import { planDot } from './plan-text.js'

const folder = mkdtempSync(join(tmpdir(), 'storm-plan-'))
after(() => rmSync(folder, { recursive: true }))

const PIPELINE = `routers:
  main: {}
  far: { connectSources: 'tcp://10.0.0.5:5556', bindSinks: 'tcp://0.0.0.0:7000', insecure: true }
sources:
  web: { use: nginx, file: access.log, connect: 'tcp://localhost:5555' }
  system: { interval: 10s }
  lonely: { use: system, bind: 'tcp://127.0.0.1:7100' }
sinks:
  stdout: { subscribe: ['http.**', cpu.usage] }
  live: { use: websocket, connect: ['tcp://127.0.0.1:5556', 'tcp://127.0.0.1:7000'], subscribe: 'memory.*' }
`

const PLAN = `source web (nginx), emits http.hit, log.unparsed
  -> router main by tcp://localhost:5555: http.**, cpu.usage, memory.*
source system, emits cpu.usage, memory.usage, disk.usage, network.usage
  -> router main by tcp://127.0.0.1:5555: http.**, cpu.usage, memory.*
source lonely (system), emits cpu.usage, memory.usage, disk.usage, network.usage
  -> whoever dials tcp://127.0.0.1:7100: what is asked for there
router main (forward)
  -> sink stdout by tcp://127.0.0.1:5556: http.**, cpu.usage
  -> sink live by tcp://127.0.0.1:5556: memory.*
router far (forward)
  <- tcp://10.0.0.5:5556: memory.*
  -> sink live by tcp://127.0.0.1:7000: memory.*
sink stdout
sink live (websocket)
`

test('check shows the plan of a file as text', async () => {
  const file = join(folder, 'plan.yaml')
  writeFileSync(file, PIPELINE)
  for (const graph of [['--graph'], ['--graph', 'text']]) {
    const { code, stdout } = await runToEnd(['check', file, ...graph])
    assert.deepEqual([code, stdout], [0, `${file}: ok (2 routers, 3 sources, 2 sinks)\n\n${PLAN}`])
  }
  const other = await runToEnd(['check', file, '--graph', 'svg'])
  assert.equal(other.code, 2)
  assert.match(other.stderr, /Allowed choices are text, dot/)
})

test('routers in a loop are walked once, and nobody who asks is said', async () => {
  const text = `routers:
  one: { bindSources: 'tcp://127.0.0.1:7001', connectSinks: 'tcp://127.0.0.1:7003' }
  two: { bindSources: 'tcp://127.0.0.1:7003', connectSinks: 'tcp://127.0.0.1:7001' }
`
  const { pipeline } = await readPipeline(text)
  const told = planOf(pipeline!.parts).ways.map(({ patterns, open }) => ({ patterns, open }))
  assert.deepEqual(told, [
    { patterns: [], open: false },
    { patterns: [], open: false },
  ])
  assert.match(planDot(planOf(pipeline!.parts), 'loop'), /nothing, as nobody asks/)
})

test('Graphviz draws the plan, whatever the names are', async (t) => {
  if (!findProgram('dot')) {
    assert.ok(!process.env.CI, 'dot is missing: install graphviz')
    return t.skip('NO GRAPHVIZ HERE: install graphviz to run this test')
  }
  const named = PIPELINE.replace('lonely', `'a "b" \\c -> {d}; <x>'`)
  const { pipeline, faults } = await readPipeline(named)
  assert.deepEqual(faults, [])
  const plan = planOf(pipeline!.parts)
  const { status, stdout, stderr } = spawnSync('dot', ['-Tplain'], {
    input: planDot(plan, 'a "b"\\'),
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [0, ''])
  const count = (word: string) => stdout.split('\n').filter((line) => line.startsWith(`${word} `)).length
  assert.deepEqual([count('node'), count('edge')], [9, plan.ways.length])
  assert.equal(plan.ways.length, 7)
  assert.ok(stdout.includes('b\\" \\\\c -> {d}; <x>'), stdout)
})
