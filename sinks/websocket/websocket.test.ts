import assert from 'node:assert/strict'
import { test } from 'node:test'
import websocket from './websocket.js'

test('it listens on the loopback interface unless told otherwise', () => {
  assert.deepEqual(websocket.options.parse({}), { host: '127.0.0.1', port: 8080 })
})
