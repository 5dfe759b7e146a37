import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findParser } from './find-parser.js'

test('a parser is found by the name of its source and made with its options', async () => {
  const found = await findParser('sshd', { zone: 'UTC' })
  assert.equal(found.syslogHead, true)
  const events = found.create().line('2026-01-01T00:00:00 srv sshd[1]: Server listening on :: port 22.')
  assert.ok(Array.isArray(events))
  assert.deepEqual(
    events.map(({ type, time }) => [type, time?.toISOString()]),
    [['ssh.server', '2026-01-01T00:00:00.000Z']],
  )
  assert.equal((await findParser('nginx', {})).syslogHead, false)
})

test('what is no parser is refused in words', async () => {
  await assert.rejects(findParser('sshdd', {}), { code: 'COMPONENT_NOT_FOUND', message: /mean "sshd"/ })
  await assert.rejects(findParser('system', {}), { code: 'COMPONENT_INVALID', message: /has no parser/ })
  await assert.rejects(findParser('sshd', { zome: 1 }), {
    code: 'OPTIONS_INVALID',
    message: /parser sshd.*zome/,
  })
})
