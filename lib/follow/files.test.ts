import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ControlledClock, until } from '../../testing/index.js'
import { type Clock, silent, systemClock } from '../index.js'
import { FollowedFiles, Places } from './index.js'

function scene(t: TestContext, paths: string[], clock: Clock = systemClock, recheck = 60_000) {
  const directory = mkdtempSync(join(tmpdir(), 'storm-files-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const got: string[] = []
  const files = new FollowedFiles({
    paths: paths.map((path) => join(directory, path)),
    start: 'end',
    maxLineBytes: 4096,
    rotateWait: 50,
    recheck,
    clock,
    log: silent,
    places: new Places(),
    lines: (path) => (line) => got.push(`${path.slice(directory.length + 1)}: ${line}`),
  })
  t.after(() => files.close())
  return { directory, files, got, at: (name: string) => join(directory, name) }
}

test('what is appended to several files comes without waiting for the slow look', async (t) => {
  const { files, got, at } = scene(t, ['a.log', 'b.log'])
  writeFileSync(at('a.log'), 'old\n')
  await files.open()
  appendFileSync(at('a.log'), 'a1\n')
  await until('the first line is there', () => got.length === 1)
  appendFileSync(at('b.log'), 'b1\n')
  await until('the second line is there', () => got.length === 2)
  assert.deepEqual(got, ['a.log: a1', 'b.log: b1'])
  assert.equal(files.counters().files, 2)
})

test('the slow look finds what the system has told nothing of', async (t) => {
  const clock = new ControlledClock()
  // Its directory does not exist, so it cannot be watched.
  const { directory, files, got, at } = scene(t, ['deep/a.log'], clock, 1000)
  await files.open()
  mkdirSync(join(directory, 'deep'))
  writeFileSync(at('deep/a.log'), 'a1\n')
  await until('the line is there', async () => {
    await clock.advance(1000)
    return got.length === 1
  })
  assert.deepEqual(got, ['deep/a.log: a1'])
})

test('a huge file does not keep the others waiting', async (t) => {
  const { files, got, at } = scene(t, ['big.log', 'small.log'])
  await files.open()
  writeFileSync(at('big.log'), `${'x'.repeat(99)}\n`.repeat(100_000))
  writeFileSync(at('small.log'), 'small\n')
  await until('everything is there', () => got.length === 100_001)
  assert.ok(got.indexOf('small.log: small') < 50_000, `small came as line ${got.indexOf('small.log: small')}`)
})

test('new files of a pattern are found, and a renamed one is not read twice', async (t) => {
  const { files, got, at } = scene(t, ['*.log*'], systemClock, 20)
  writeFileSync(at('a.log'), 'old\n')
  await files.open()
  appendFileSync(at('a.log'), '1\n')
  writeFileSync(at('b.log'), '1\n')
  await until('both lines are there', () => got.length === 2)
  renameSync(at('a.log'), at('a.log.1'))
  appendFileSync(at('a.log.1'), '2\n')
  writeFileSync(at('a.log'), '3\n')
  await until('the lines of both are there', () => got.length >= 4)
  // Under which name it comes depends on whether the old descriptor was let go by now; it comes once.
  appendFileSync(at('a.log.1'), '4\n')
  await until('a line written under the new name is there', () => got.length >= 5)
  appendFileSync(at('b.log'), '5\n')
  await until('the last line is there', () => got.includes('b.log: 5'))
  assert.deepEqual(got.map((line) => line.replace('a.log.1', 'a.log')).sort(), [
    'a.log: 1',
    'a.log: 2',
    'a.log: 3',
    'a.log: 4',
    'b.log: 1',
    'b.log: 5',
  ])
})

test('nothing is given any more once it is closed', async (t) => {
  const { files, got, at } = scene(t, ['a.log'])
  await files.open()
  writeFileSync(at('a.log'), 'x\n'.repeat(500_000))
  await until('it has begun', () => got.length > 0)
  await files.close()
  const then = got.length
  assert.equal(files.counters().files, 0)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(got.length, then)
})
