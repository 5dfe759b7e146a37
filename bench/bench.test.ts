import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Comparison } from './comparison.js'
import { BENCHES } from './questions.js'
import { NOT_HERE, type Results } from './report.js'
import { SECTIONS } from './sections.js'

const run = promisify(execFile)

/** What a bench prints beside its figures when not everything it compares with is installed. */
const LOUD = /NOT (COMPARED|MEASURED)|not compared/

/** Runs a bench with everything small. */
async function quickly(name: string): Promise<{ stdout: string; stderr: string; results: Results }> {
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-bench-test-'))
  try {
    const kept = join(folder, 'results.json')
    const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
    const { stdout, stderr } = await run(process.execPath, [program, '--quick'], {
      env: { ...process.env, BENCH_KEEP: kept },
      timeout: 600_000,
    })
    return { stdout, stderr, results: JSON.parse(await readFile(kept, 'utf8')) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('every bench is described, by --help and in the report', async () => {
  const program = fileURLToPath(new URL('./run.js', import.meta.url))
  const { stdout } = await run(process.execPath, [program, '--help'])
  for (const [name, question] of Object.entries(BENCHES)) {
    assert.ok(stdout.includes(`  ${name.padEnd(12)}${question}\n`), name)
  }
  assert.deepEqual(SECTIONS.map((section) => section.name).sort(), Object.keys(BENCHES).sort())
})

test('two revisions are compared row by row, in what has a unit', () => {
  const tables = (rate: number) => [
    { title: 'any', rows: [{ case: 'a', 'events/s': rate, lost: 0, 'us/event': '2.50', right: 'yes' }] },
  ]
  const compared = new Comparison()
  for (const rate of [100, 300, 200]) compared.add('there', tables(rate))
  for (const rate of [400, 100, 200]) compared.add('here', tables(rate * 2))
  assert.deepEqual(compared.rows('codec', 'v1'), [
    { bench: 'codec', row: 'a', measure: 'events/s', v1: 200, here: 400, 'here / there': '2.00' },
    { bench: 'codec', row: 'a', measure: 'us/event', v1: 2.5, here: 2.5, 'here / there': '1.00' },
  ])
})

// They wait more than they work.
suite('benches', { concurrency: 4 }, () => {
  for (const name of Object.keys(BENCHES)) {
    test(`the bench ${name} verifies what it measures, and prints a table`, async () => {
      const { stdout, stderr, results } = await quickly(name)
      assert.ok(results.tables.length > 0)
      for (const { title, rows } of results.tables) {
        assert.ok(stdout.includes(title))
        assert.ok(rows.length > 0, title)
        for (const row of rows) {
          const [label, ...cells] = Object.values(row)
          assert.ok(stdout.includes(String(label)), `${title}: ${label}`)
          // Each of them fails by itself when it is not right; here it shows that it looked.
          if (!cells.includes(NOT_HERE) && 'right' in row)
            assert.equal(row.right, 'yes', `${title}: ${label}`)
        }
      }
      assert.equal(results.name, name)
      const plot = SECTIONS.find((section) => section.name === name)!.plot(results.tables)
      assert.match(plot, /^<svg [\s\S]*<\/svg>\n$/)
      assert.doesNotMatch(plot, /NaN|undefined|Infinity/)
      if (LOUD.test(stderr)) {
        assert.notEqual(process.env.CI, 'true', stderr)
        console.warn(`NOT ALL OF BENCH ${name} RUNS HERE: ${stderr.match(/^.*(?:NOT|not) .*$/gm)}`)
      }
    })
  }
})
