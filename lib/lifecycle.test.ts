import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lifecycle } from './lifecycle.js'

test('it starts, runs, stops and has stopped', async () => {
  const life = new Lifecycle()
  assert.equal(life.status, 'starting')
  life.running()
  assert.equal(life.status, 'running')
  let finish!: () => void
  const stopping = life.stop(
    () =>
      new Promise((resolve) => {
        finish = resolve
      }),
  )
  assert.equal(life.status, 'stopping')
  life.running()
  assert.equal(life.status, 'stopping', 'no way back')
  finish()
  await stopping
  await life.ended
  assert.equal(life.status, 'stopped')
})

test('whoever stops it a second time waits for the same end', async () => {
  const life = new Lifecycle()
  let finished = 0
  const first = life.stop(async () => {
    finished++
  })
  const second = life.stop(() => {
    finished += 10
  })
  assert.equal(first, second)
  await Promise.all([first, second])
  await life.stop(() => {
    finished += 100
  })
  assert.equal(finished, 1)
})

test('an end that fails is told to who asked for it and to who waits for it', async () => {
  const life = new Lifecycle()
  const error = new Error('stuck')
  await assert.rejects(
    life.stop(() => {
      throw error
    }),
    error,
  )
  await assert.rejects(life.ended, error)
  assert.equal(life.status, 'stopped')
})

test('a failure ends it, cleans up, and rejects only for those who look', async () => {
  const life = new Lifecycle()
  const error = new Error('broken')
  let cleaned = false
  await life.fail(error, () => {
    cleaned = true
  })
  assert.ok(cleaned)
  assert.equal(life.status, 'stopped')
  await assert.rejects(life.ended, error)
})

test('a failure while it stops changes nothing any more', async () => {
  const life = new Lifecycle()
  await life.stop(() => {})
  await life.fail(new Error('too late'), () => assert.fail('cleaned up twice'))
  await life.ended
})
