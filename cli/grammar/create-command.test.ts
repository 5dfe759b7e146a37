import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleLines } from './create-command.js'

test('what an example does stands behind it, or below where it would not fit', () => {
  const examples = [
    ['eventstorm top', 'live'],
    ['eventstorm tap --limit 3', ''],
  ] as const
  assert.deepEqual(exampleLines(examples, 80), [
    '  $ eventstorm top            live',
    '  $ eventstorm tap --limit 3',
  ])
  assert.deepEqual(exampleLines(examples, 30), [
    '  $ eventstorm top',
    '      live',
    '  $ eventstorm tap --limit 3',
  ])
})
