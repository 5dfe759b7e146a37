import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { recordingLog, until } from '../../testing/index.js'
import { systemClock } from '../index.js'
import { Checkpoint } from './checkpoint.js'
import { FollowedFiles, Places } from './index.js'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'storm-odd-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a log in whose place there is a folder, then a pipe, is told each time, and read again when it is a file', async (t) => {
  const path = join(folder(t), 'a.log')
  const { log, lines } = recordingLog()
  const got: string[] = []
  const files = new FollowedFiles({
    ...{ paths: [path], start: 'end', maxLineBytes: 4096, rotateWait: 10, recheck: 20 },
    ...{ clock: systemClock, log, places: new Places(), lines: () => (line) => void got.push(line) },
  })
  t.after(() => files.close())
  writeFileSync(path, '')
  await files.open()
  appendFileSync(path, 'before\n')
  await until('the first line is there', () => got.length === 1)
  const irregular = () => lines.filter(({ message }) => message === 'file cannot be read').length
  rmSync(path)
  mkdirSync(path)
  await until('the folder is told', () => irregular() === 1)
  // It may have been looked for between the two steps above, too.
  const missing = () => lines.filter(({ message }) => message === 'no such file yet; waiting for it').length
  const before = missing()
  rmSync(path, { recursive: true })
  await until('it is told that nothing is there', () => missing() > before)
  execFileSync('mkfifo', [path])
  await until('the pipe is told', () => irregular() === 2)
  rmSync(path)
  writeFileSync(path, 'after\n')
  await until('it goes on', () => got.length === 2)
  assert.deepEqual(got, ['before', 'after'])
})

test('a checkpoint that cannot be saved is told once, and once more when it can', async (t) => {
  const place = join(folder(t), 'deep')
  const { log, lines } = recordingLog()
  let changes = 0
  const memory = { changes: () => ++changes, recall: () => ({ places: [], parsers: [] }) }
  const checkpoint = new Checkpoint(join(place, 'checkpoint'), memory, log)
  for (let i = 0; i < 3; i++) await checkpoint.save()
  mkdirSync(place)
  for (let i = 0; i < 3; i++) await checkpoint.save()
  assert.ok(existsSync(join(place, 'checkpoint')))
  rmSync(place, { recursive: true })
  await checkpoint.save()
  assert.deepEqual(
    lines.map(({ level, message }) => `${level} ${message}`),
    [
      'error checkpoint cannot be saved; trying again',
      'info checkpoint is saved again',
      'error checkpoint cannot be saved; trying again',
    ],
  )
})
