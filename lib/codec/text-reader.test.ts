import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NativeBuffer, TextMemory } from './text-reader.js'

/** Reads texts as they lie in one buffer, behind some bytes of something else. */
function reader(memory: TextMemory, bytes: readonly Buffer[]) {
  const source = Buffer.concat([Buffer.alloc(3), ...bytes]) as NativeBuffer
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  let at = 3
  const places = bytes.map(({ length }) => {
    const start = at
    at += length
    return start
  })
  return (i: number) => memory.read(view, source, places[i]!, places[i]! + bytes[i]!.length)
}

test('texts that come again, among few or among thousands, are the right ones', () => {
  for (const distinct of [5, 100, 3000, 20_000]) {
    // Of all lengths, many that differ in one character alone, and some that are not ASCII.
    const texts = Array.from({ length: distinct }, (_, i) => {
      const text = `${'x'.repeat(i % 40)}${i}`
      return i % 7 === 0 ? `${text}é` : text
    })
    texts.push('')
    // Two places, which share what is too much for either.
    const memories = [new TextMemory(), new TextMemory()]
    const bytes = texts.map((text) => Buffer.from(text))
    const readers = memories.map((memory) => reader(memory, bytes))
    for (let round = 0; round < 4; round++)
      for (const [i, text] of texts.entries()) for (const read of readers) assert.equal(read(i), text)
  }
})

test('bytes that are no UTF-8 are no text, whatever was read before and is read after', () => {
  const addresses = Array.from({ length: 1000 }, (_, i) => Buffer.from(`10.1.${i >> 8}.${i & 255}`))
  const bad = addresses.map((address) => Buffer.concat([address.subarray(0, -1), Buffer.from([0xff])]))
  const read = reader(new TextMemory(), [...addresses, ...bad])
  for (let round = 0; round < 3; round++) {
    for (const [i, address] of addresses.entries()) {
      assert.equal(read(i), address.toString())
      assert.equal(read(1000 + i), undefined)
      assert.equal(read(i), address.toString())
    }
  }
})
