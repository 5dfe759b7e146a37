import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ControlledClock } from '../../testing/index.js'
import { silent } from '../index.js'
import { type FileSettings, FollowedFile, Places } from './index.js'

const ROTATE_WAIT = 5000

/** A line that is long enough for a file of one line to be told from another. */
const long = (text: string) => `${text} ${'-'.repeat(80)}`

function scene(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'storm-follow-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const clock = new ControlledClock()
  const log = join(directory, 'access.log')
  const lines: string[] = []
  const settings: FileSettings = {
    start: 'beginning',
    maxLineBytes: 4096,
    rotateWait: ROTATE_WAIT,
    clock,
    log: silent,
    places: new Places(),
  }
  const follow = (more: Partial<FileSettings> = {}) => {
    const file = new FollowedFile(log, { ...settings, ...more }, (line, cut) =>
      lines.push(cut ? `${line}|cut` : line),
    )
    t.after(() => file.close())
    return file
  }
  /** Looks, reads all there is and returns the lines that came. */
  const read = async (file: FollowedFile, block = 64 * 1024) => {
    const before = lines.length
    const buffer = Buffer.alloc(block)
    await file.look()
    while ((await file.read(buffer)) > 0);
    return lines.slice(before)
  }
  const append = (text: string, path = log) => appendFileSync(path, text)
  const rotate = () => renameSync(log, `${log}.1`)
  return { directory, clock, log, lines, settings, follow, read, append, rotate }
}

test('a file is read from its end, or from its beginning when told so', async (t) => {
  const { follow, read, append } = scene(t)
  append('old\n')
  const fromEnd = follow({ start: 'end', places: new Places() })
  const fromStart = follow({ places: new Places() })
  assert.deepEqual(await read(fromEnd), [])
  assert.deepEqual(await read(fromStart), ['old'])
  append('new\n')
  assert.deepEqual(await read(fromEnd), ['new'])
  assert.deepEqual(await read(fromStart), ['new'])
})

test('a line that was begun before the first look is given whole', async (t) => {
  const { follow, read, append } = scene(t)
  append('old\nbeg')
  const file = follow({ start: 'end' })
  assert.deepEqual(await read(file), [])
  append('un\n')
  assert.deepEqual(await read(file), ['begun'])
})

test('a line is held back until its line feed has come', async (t) => {
  const { follow, read, append } = scene(t)
  const file = follow()
  append('one\ntw')
  assert.deepEqual(await read(file), ['one'])
  append('o')
  assert.deepEqual(await read(file), [])
  append('\r\n')
  assert.deepEqual(await read(file), ['two'])
})

test('a file that is not there yet is read from its beginning once it is', async (t) => {
  const { follow, read, append } = scene(t)
  const file = follow({ start: 'end' })
  assert.deepEqual(await read(file), [])
  append('first\n')
  assert.deepEqual(await read(file), ['first'])
})

test('a long line is cut, whatever the blocks it is read in, and the next is whole', async (t) => {
  const { follow, read, append } = scene(t)
  append(`${'x'.repeat(10_000)}\nnext\n`)
  const file = follow()
  assert.deepEqual(await read(file, 1000), [`${'x'.repeat(4096)}|cut`, 'next'])
  assert.equal(file.counters.cut, 1)
})

test('after a rename the old file is read to its end, then the new one from its beginning', async (t) => {
  const { log, clock, follow, read, append, rotate } = scene(t)
  const file = follow()
  append('1\n')
  assert.deepEqual(await read(file), ['1'])
  append('2\n')
  rotate()
  append('3\n', `${log}.1`)
  append('4\n')
  assert.deepEqual(await read(file), ['2', '3', '4'])
  // The writer has not opened the new file yet.
  await clock.advance(ROTATE_WAIT - 1)
  append('late\n', `${log}.1`)
  assert.deepEqual(await read(file), ['late'])
  await clock.advance(ROTATE_WAIT - 1)
  append('later\nunfinished', `${log}.1`)
  assert.deepEqual(await read(file), ['later'])
  assert.equal(file.open, 2)
  await clock.advance(ROTATE_WAIT)
  assert.deepEqual(await read(file), ['unfinished'])
  assert.equal(file.open, 1)
  assert.equal(file.counters.rotations, 1)
})

test('while the name is missing the file is still read, and let go in the end', async (t) => {
  const { log, clock, follow, read, append, rotate } = scene(t)
  const file = follow()
  append('1\n')
  await read(file)
  rotate()
  append('2\n', `${log}.1`)
  assert.deepEqual(await read(file), ['2'])
  await clock.advance(ROTATE_WAIT)
  await read(file)
  assert.equal(file.open, 0)
  append('3\n')
  assert.deepEqual(await read(file), ['3'])
})

test('a file that is renamed away and back is not read again', async (t) => {
  const { log, follow, read, append, rotate } = scene(t)
  const file = follow()
  append('1\n')
  await read(file)
  rotate()
  await read(file)
  renameSync(`${log}.1`, log)
  append('2\n')
  assert.deepEqual(await read(file), ['2'])
  assert.equal(file.open, 1)
})

test('two rotations between two looks lose nothing', async (t) => {
  const { log, follow, read, append, rotate } = scene(t)
  const file = follow()
  append('1\n')
  await read(file)
  append('2\n')
  renameSync(log, `${log}.2`)
  append('3\n')
  rotate()
  append('4\n')
  assert.deepEqual(await read(file), ['2', '3', '4'])
})

test('a truncated file is read from its beginning', async (t) => {
  const { log, follow, read, append } = scene(t)
  const file = follow()
  append('1\n2\n3\n')
  await read(file)
  truncateSync(log)
  append('4\n')
  assert.deepEqual(await read(file), ['4'])
  assert.equal(file.counters.truncations, 1)
})

test('a file that was truncated and has outgrown its old size is known by its beginning', async (t) => {
  const { log, follow, read } = scene(t)
  const file = follow()
  writeFileSync(log, 'a 1\na 2\n')
  assert.deepEqual(await read(file), ['a 1', 'a 2'])
  writeFileSync(log, 'b 1\nb 2\nb 3\n')
  assert.deepEqual(await read(file), ['b 1', 'b 2', 'b 3'])
})

test('what copytruncate took away before it was read is read in the copy', async (t) => {
  const { log, follow, read, append } = scene(t)
  const file = follow()
  append(`${long('1')}\n${long('2')}\nbeg`)
  await read(file)
  append(`un\n${long('3')}\n`)
  copyFileSync(log, `${log}.1`)
  truncateSync(log)
  append('4\n')
  assert.deepEqual(await read(file), ['begun', long('3'), '4'])
})

test('a new file that got the inode of an old one is read from its beginning', async (t) => {
  const { log, settings, follow, read, append } = scene(t)
  append('1\n2\n')
  const first = follow()
  await read(first)
  await first.close()
  const [place] = settings.places.all()
  writeFileSync(log, 'x\ny\nz\n')
  const places = new Places([{ ...place!, offset: 4 }])
  assert.deepEqual(await read(follow({ places, start: 'end' })), ['x', 'y', 'z'])
})

test('reading goes on after a restart where it stood, through rotations in the mean time', async (t) => {
  const { log, settings, follow, read, append, rotate } = scene(t)
  writeFileSync(`${log}.1`, 'never ours\n')
  append('1\n2\nbeg')
  const first = follow()
  assert.deepEqual(await read(first), ['never ours', '1', '2'].slice(1))
  await first.close()
  const saved = JSON.parse(JSON.stringify(settings.places.all()))

  append('un\n3\n')
  renameSync(`${log}.1`, `${log}.3`)
  renameSync(log, `${log}.2`)
  append('4\n')
  rotate()
  append('5\n')
  assert.deepEqual(await read(follow({ places: new Places(saved), start: 'end' })), ['begun', '3', '4', '5'])
})

test('when what was read in the last run cannot be found any more, that is said', async (t) => {
  const { log, settings, follow, read } = scene(t)
  const warnings: string[] = []
  const logger = { ...silent, warn: (_: object, message: string) => void warnings.push(message) }
  writeFileSync(log, `${long('new')}\n`)
  const place = { path: log, id: '1:1', head: { length: 100, hash: 'of another file' }, offset: 100 }
  assert.deepEqual(await read(follow({ places: new Places([place]), log: logger, start: 'end' })), [
    long('new'),
  ])
  assert.match(warnings.join(), /is gone, or compressed/)
  warnings.length = 0
  await read(follow({ places: settings.places, log: logger }))
  assert.deepEqual(warnings, [])
})
