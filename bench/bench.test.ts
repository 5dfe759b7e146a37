import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BENCHES } from './questions.js'
import { NOT_HERE, type Results } from './report.js'

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
      timeout: 120_000,
    })
    return { stdout, stderr, results: JSON.parse(await readFile(kept, 'utf8')) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

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
      if (LOUD.test(stderr)) {
        assert.notEqual(process.env.CI, 'true', stderr)
        console.warn(`NOT ALL OF BENCH ${name} RUNS HERE: ${stderr.match(/^.*(?:NOT|not) .*$/gm)}`)
      }
    })
  }
})
