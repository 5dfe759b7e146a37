import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { seeded } from '../../testing/index.js'
import { readBlocks } from './index.js'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'storm-blocks-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('the bytes of a file come whole and in order, plain and packed, while each block is good until the next', async (t) => {
  const random = seeded(20261130)
  // Several blocks, the last one in part.
  const bytes = Buffer.from(Uint32Array.from({ length: 800_000 }, () => random() * 2 ** 32).buffer)
  const place = folder(t)
  for (const [name, content] of [
    ['empty', Buffer.alloc(0)],
    ['plain', bytes],
    ['packed.gz', gzipSync(bytes, { level: 1 })],
  ] as const) {
    writeFileSync(join(place, name), content)
    let at = 0
    const expected = name === 'empty' ? content : bytes
    for await (const block of readBlocks(join(place, name))) {
      assert.ok(block.equals(expected.subarray(at, at + block.length)), `${name}, block at ${at}`)
      at += block.length
    }
    assert.equal(at, expected.length)
  }
})

test('a pipe is read as it comes, and can be left while nothing comes', { timeout: 30_000 }, async (t) => {
  const path = join(folder(t), 'pipe')
  execFileSync('mkfifo', [path])
  // Open for both, so that it neither waits for a reader nor ends.
  const writer = openSync(path, 'r+')
  const stop = new AbortController()
  const blocks = readBlocks(path, stop.signal)
  writeSync(writer, 'one\n')
  assert.equal(String((await blocks.next()).value), 'one\n')
  const next = blocks.next()
  stop.abort()
  assert.equal((await next).done, true)
  closeSync(writer)
})

test('a file that cannot be read is named', async (t) => {
  const path = folder(t)
  await assert.rejects(readBlocks(path).next(), {
    code: 'FILE_UNREADABLE',
    message: new RegExp(`${path}.*EISDIR`),
  })
})
