import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { attach } from '../lib/index.js'
import { until } from '../testing/index.js'

const run = promisify(execFile)
const EXAMPLES = new URL('../../examples/', import.meta.url)

/** Runs an example as a user would, to its end, and returns the lines it printed. */
async function lines(name: string, ...args: string[]): Promise<string[]> {
  const path = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
  const { stdout, stderr } = await run(process.execPath, [path, ...args], { timeout: 30_000 })
  assert.equal(stderr, '')
  return stdout.trimEnd().split('\n')
}

const checks: Record<string, () => Promise<void>> = {
  async ask() {
    assert.deepEqual(await lines('ask'), [
      'type, count, avg(total)',
      'order.paid, 10, 5.5',
      'order.placed, 100, 50.5',
      'the latest: order.placed { total: 100 }',
    ])
  },

  async emit() {
    const totals: unknown[] = []
    await using sink = await attach(
      {
        write: (batch) =>
          void totals.push(...batch.events().map(({ data }) => (data as { total: number }).total)),
      },
      { bind: ['tcp://127.0.0.1:0'] },
    )
    assert.deepEqual(await lines('emit', ...sink.endpoints), [
      'order 1 placed, and somebody listens',
      'order 2 placed, and somebody listens',
      'order 3 placed, and somebody listens',
      'emitted 3, sent 3, unwanted 0',
    ])
    await until('the orders are here', () => totals.length === 3)
    assert.deepEqual(totals, [12.5, 25, 37.5])
  },

  async 'own-sink'() {
    assert.deepEqual(await lines('own-sink'), [
      'order.placed 1000',
      'order.paid 10',
      'received 1011, lost 0, written 1011',
    ])
  },

  async 'own-source'() {
    assert.deepEqual(await lines('own-source'), [
      'pad-1 countdown.tick 0 { left: 3 }',
      'pad-1 countdown.tick 1 { left: 2 }',
      'pad-1 countdown.tick 2 { left: 1 }',
      'pad-1 countdown.end 0 null',
    ])
  },

  async 'router-in-process'() {
    assert.deepEqual(await lines('router-in-process'), [
      'shop-1 order.placed 0',
      'shop-2 order.placed 0',
      'passed on 2, filtered 2, duplicate 0',
    ])
  },
}

for (const [name, check] of Object.entries(checks)) test(`examples/${name}.ts does what it says`, check)

test('every example is checked, and imports only what a user can', () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'))
  assert.deepEqual(
    names.sort(),
    Object.keys(checks)
      .map((name) => `${name}.ts`)
      .sort(),
  )
  for (const name of names) {
    const text = readFileSync(new URL(name, EXAMPLES), 'utf8')
    for (const [, specifier] of text.matchAll(/from '([^']+)'/g)) {
      assert.match(specifier!, /^(eventstorm(\/|$)|node:)/, name)
    }
  }
})
