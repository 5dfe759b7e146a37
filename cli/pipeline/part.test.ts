import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSink, listOptions, z } from '../../lib/index.js'
import { checkPart, frameworkOptions } from './part.js'

const eager = defineSink({
  name: 'eager',
  summary: 'Wants large batches.',
  options: z.strictObject({}),
  defaults: { batchEvents: 5000, batchBytes: '4MiB' },
  create: () => ({ write() {} }),
})

test("a sink's own choice of the framework's defaults is what is told and what is taken", () => {
  const told = Object.fromEntries(listOptions(frameworkOptions(eager)).map((each) => [each.name, each]))
  assert.equal(told.batchEvents!.default, 5000)
  assert.equal(told.batchBytes!.default, '4MiB')
  assert.equal(told.batchBytes!.kind, 'measure')
  assert.match(told.batchEvents!.description, /Events in one write/)
  assert.equal(told.queueEvents!.default, 100_000)
  assert.deepEqual(frameworkOptions(eager).parse({ batchEvents: 7 }).batchEvents, 7)
  assert.equal(frameworkOptions(eager).parse({}).batchBytes, 4 * 1024 ** 2)
  assert.match(checkPart(eager, 'eager', { batchEvents: 0 }).problems[0]!.message, /at least 1, got 0/)
})
