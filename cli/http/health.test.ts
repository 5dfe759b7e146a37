import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent } from '../../lib/index.js'
import { freePorts } from '../../servers/index.js'
import { FaultyRouter, freeEndpoint, until } from '../../testing/index.js'
import { fixture } from '../fixtures/program.js'
import { checkPart, startPart } from '../pipeline/part.js'
import { resolveComponent } from '../resolve.js'
import { healthOf } from './health.js'
import { observe } from './observed.js'

async function start(given: Record<string, unknown>) {
  const { part } = checkPart(await resolveComponent('source', fixture('pulse')), 'pulse', given)
  const running = await startPart(part!, silent)
  return { health: () => healthOf(observe(part!, running)), [Symbol.asyncDispose]: () => running.close() }
}

test('who dials is ready while somebody is there', async () => {
  const [port] = await freePorts(1)
  const endpoint = `tcp://127.0.0.1:${port}`
  await using router = new FaultyRouter({ bindSources: [endpoint] })
  await router.close()
  await using source = await start({ connect: endpoint, reconnectInterval: '20ms' })
  const lonely = {
    ...{ kind: 'source', name: 'pulse', ready: false, state: 'running' },
    reason: `it is not connected to ${endpoint}`,
  }
  assert.deepEqual(source.health(), lonely)
  for (const _ of ['once', 'and again']) {
    await router.reopen()
    await until('it is ready', () => source.health().ready)
    assert.deepEqual(source.health(), { kind: 'source', name: 'pulse', ready: true, state: 'running' })
    await router.close()
    await until('it is alone again', () => !source.health().ready)
    assert.deepEqual(source.health(), lonely)
  }
})

test('who is dialled is ready without anybody, and who has ended has done its work', async () => {
  const source = await start({ bind: freeEndpoint() })
  assert.equal(source.health().ready, true)
  await source[Symbol.asyncDispose]()
  assert.deepEqual(source.health(), { kind: 'source', name: 'pulse', ready: true, state: 'stopped' })
})
