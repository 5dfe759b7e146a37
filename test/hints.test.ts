import assert from 'node:assert/strict'
import { test } from 'node:test'
import { componentFolders, loadDefinition } from '../docs/tables.js'
import { readHint, type SourceDefinition } from '../lib/index.js'

test('every shipped source says how its events like to be shown, in terms that a receiver takes', async () => {
  const folders = (await componentFolders()).filter((folder) => folder.startsWith('sources/'))
  assert.ok(folders.length > 3)
  for (const folder of folders) {
    const { hints = {}, types } = (await loadDefinition(folder)) as SourceDefinition
    assert.ok(Object.keys(hints).length > 0, `${folder} has no hints`)
    for (const [type, hint] of Object.entries(hints)) {
      assert.ok(types.includes(type), `${folder} has a hint for ${type}, which it does not emit`)
      assert.deepEqual(readHint(hint), hint, `${folder}: ${type}`)
    }
  }
})
