import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEndpoint } from './endpoint.js'

test('tcp, ipc and inproc endpoints are taken', () => {
  const both = [
    'tcp://127.0.0.1:5555',
    'tcp://[::1]:5555',
    'tcp://storm.example:1',
    'ipc:///tmp/x',
    'ipc://@x',
    'inproc://x',
  ]
  for (const endpoint of both) {
    checkEndpoint(endpoint, 'bind')
    checkEndpoint(endpoint, 'connect')
  }
  for (const endpoint of ['tcp://*:5555', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:*', 'tcp://eth0:65535']) {
    checkEndpoint(endpoint, 'bind')
  }
})

test('what libzmq would take in silence is refused with a sentence', () => {
  const cases: [string, RegExp][] = [
    ['127.0.0.1:5555', /expected tcp:\/\/host:port, ipc:\/\/path or inproc:\/\/name/],
    ['udp://127.0.0.1:5555', /expected tcp/],
    ['inproc://', /expected tcp/],
    ['tcp://127.0.0.1', /expected tcp:\/\/host:port$/],
    ['tcp://:5555', /expected tcp:\/\/host:port$/],
    ['tcp://127.0.0.1:http', /expected tcp:\/\/host:port$/],
    ['tcp://127.0.0.1:70000', /expected a port from 1 to 65535/],
    [`ipc://${'x'.repeat(108)}`, /at most 107 bytes, got 108/],
  ]
  for (const [endpoint, message] of cases) {
    assert.throws(() => checkEndpoint(endpoint, 'connect'), { code: 'ENDPOINT_INVALID', message }, endpoint)
  }
  checkEndpoint(`ipc://${'x'.repeat(107)}`, 'bind')
})

test('a free port can be bound but not dialled', () => {
  assert.throws(() => checkEndpoint('tcp://127.0.0.1:0', 'connect'), {
    message: /cannot connect .*from 1 to 65535/,
  })
  assert.throws(() => checkEndpoint('tcp://127.0.0.1:65536', 'bind'), {
    message: /cannot bind .*from 0 \(any free one\)/,
  })
})
