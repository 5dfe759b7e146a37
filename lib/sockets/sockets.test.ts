import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freeEndpoint, Remote, until } from '../../testing/index.js'
import { systemClock } from '../clock.js'
import { SubscribingEnd } from './sockets.js'

const WAIT = 30_000
const run = promisify(execFile)

test('a publisher that is killed while its messages are being read ends nothing else', async (t) => {
  let source = await Remote.start('source', { bind: [freeEndpoint()] })
  t.after(() => source.kill())
  const [endpoint] = source.endpoints as [string]
  const types = new Set<string>()
  let onMessage = () => {
    onMessage = () => {}
    killUnderTheReader()
  }
  const end = new SubscribingEnd(
    {
      connect: [endpoint],
      bind: [],
      reconnectInterval: 10,
      maxMessageBytes: 2 ** 20,
      maxConnections: 10,
      maxConnectionRate: 10,
      handshakeTimeout: WAIT,
      clock: systemClock,
    },
    (frames) => {
      assert.equal(frames.length, 2)
      types.add(frames[0]!.toString('latin1').split('\0')[0]!)
      onMessage()
    },
  )
  t.after(() => end.close())

  /**
   * The binding reads up to 512 messages in a turn of the event loop. Of the next one libzmq has taken out the first frame
   * then, to see whether there is one. Here it hears that the connection broke before it is asked for the second.
   */
  function killUnderTheReader() {
    stand(500)
    process.nextTick(() => {
      process.kill(source.pid, 'SIGKILL')
      stand(100)
      // Whatever is sent makes it hear.
      for (let i = 0; i < 100; i++) end.subscribe(`other.${i}`)
    })
  }

  end.subscribe('test.')
  // It does not live to answer.
  source.emit('test.first', 2000, 1).catch(() => {})
  await until('one message has come', () => types.size === 1, WAIT)
  await source.kill()
  source = await Remote.start('source', { bind: [endpoint] })
  await source.emit('test.second', 1)
  await until('the next source is heard', () => types.size === 2, WAIT)
})

test('an inproc endpoint that nobody binds keeps no process alive', async () => {
  const library = new URL('../index.js', import.meta.url)
  const script = `
    import { attach, EventSource } from '${library}'
    const connect = ['inproc://nobody']
    const source = new EventSource({ source: 'shop', connect })
    const sink = await attach({ write() {} }, { connect })
    await sink.close()
    await source.drain()
    process.on('exit', () => console.log('gone'))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: WAIT,
  })
  assert.equal(stdout, 'gone\n')
})

/** The whole thread does nothing for some milliseconds, while those of libzmq go on. */
const stand = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
