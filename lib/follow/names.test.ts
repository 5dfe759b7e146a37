import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { directoryOf, expandGlob, rotatedFiles } from './names.js'

function directory(t: TestContext, files: string[]) {
  const root = mkdtempSync(join(tmpdir(), 'storm-names-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  const relative = (paths: string[]) => paths.map((path) => path.slice(root.length + 1))
  return {
    root,
    glob: async (pattern: string) => relative(await expandGlob(join(root, pattern))),
    rotated: async (path: string) => relative((await rotatedFiles(join(root, path))).map(({ file }) => file)),
  }
}

test('* and ? stand for text in any segment, without dots at the start and without compressed files', async (t) => {
  const { glob } = directory(t, [
    'a/x.log',
    'a/y.log',
    'a/.z.log',
    'a/x.log.1.gz',
    'b/x.log',
    'b/(x)+.log',
    'c.log',
  ])
  assert.deepEqual(await glob('a/*.log'), ['a/x.log', 'a/y.log'])
  assert.deepEqual(await glob('a/x.log*'), ['a/x.log'])
  assert.deepEqual(await glob('?/x.log'), ['a/x.log', 'b/x.log'])
  assert.deepEqual(await glob('*/*.log'), ['a/x.log', 'a/y.log', 'b/(x)+.log', 'b/x.log'])
  assert.deepEqual(await glob('b/(x)+*'), ['b/(x)+.log'])
  assert.deepEqual(await glob('nothing/*'), [])
})

test('what is watched for a pattern is the directory of its fixed beginning', () => {
  assert.equal(directoryOf('/var/log/nginx/access.log'), '/var/log/nginx')
  assert.equal(directoryOf('/var/log/nginx/*.log'), '/var/log/nginx')
  assert.equal(directoryOf('/var/log/*/access.log'), '/var/log')
  assert.equal(directoryOf('access*.log'), '.')
})

test('rotated names are found by their suffix, oldest first', async (t) => {
  const numbered = ['a.log', 'a.log.1', 'a.log.2', 'a.log.10', 'a.log.3.gz', 'a.log.bak', 'a.logs.1']
  assert.deepEqual(await directory(t, numbered).rotated('a.log'), ['a.log.10', 'a.log.2', 'a.log.1'])
  const dated = ['a.log-20260102', 'a.log-20260101', 'a.log-20260101.gz']
  assert.deepEqual(await directory(t, dated).rotated('a.log'), ['a.log-20260101', 'a.log-20260102'])
  const mixed = directory(t, ['a.log.1', 'a.log-20260101'])
  utimesSync(join(mixed.root, 'a.log.1'), 1000, 1000)
  assert.deepEqual(await mixed.rotated('a.log'), ['a.log.1', 'a.log-20260101'])
})
