import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PassThrough, Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { attach, type EventBatch, EventSource } from '../../lib/index.js'
import { ControlledClock, conformsAsSink, freeEndpoint, until } from '../../testing/index.js'
import stdout, { StdoutSink } from './stdout.js'

/** A real stream that takes its time: what is written waits until `release`. */
class SlowOutput extends Writable {
  isTTY = false
  texts: string[] = []
  waiting: ((error?: Error) => void) | undefined

  constructor() {
    super({ decodeStrings: false, highWaterMark: 64 })
  }

  override _write(text: string, _: BufferEncoding, done: (error?: Error) => void): void {
    this.texts.push(text)
    this.waiting = done
  }

  release(error?: Error): void {
    const done = this.waiting
    this.waiting = undefined
    done?.(error)
  }
}

async function start(t: TestContext, output: Writable, options = {}) {
  const clock = new ControlledClock()
  const sink = await attach(new StdoutSink({ format: 'auto' }, output), {
    bind: [freeEndpoint()],
    clock,
    ...options,
  })
  const source = new EventSource({ source: 'shop', connect: [...sink.endpoints] })
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  await source.subscribed('**', { timeout: 15_000 })
  return { sink, source, clock }
}

test('one string a batch, and the next only when the output has taken it', async (t) => {
  const output = new SlowOutput()
  const { sink, source } = await start(t, output)
  for (let i = 0; i < 10; i++) source.emit('order.placed', { i })
  await until('the first batch is written', () => output.texts.length === 1)
  for (let i = 10; i < 20; i++) source.emit('order.placed', { i })
  await until('the second batch is queued', () => sink.counters().received === 20)
  assert.equal(output.texts.length, 1)
  assert.equal(sink.counters().written, 0)
  output.release()
  await until('the second batch is written', () => output.texts.length === 2)
  output.release()
  await until('both count as written', () => sink.counters().written === 20)
  const lines = output.texts.join('').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).data.i),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('an output that is stuck for longer than the time-out gets nothing twice', async (t) => {
  const output = new SlowOutput()
  const { sink, source, clock } = await start(t, output, { writeTimeout: '1s' })
  source.emit('order.placed', { i: 0 })
  await until('it is written', () => output.texts.length === 1)
  await clock.advance(1000)
  await until('the sink was opened again', () => sink.counters().reconnected === 1)
  await clock.advance(500)
  output.release()
  await until('it counts as written', () => sink.counters().written === 1)
  assert.equal(output.texts.length, 1)
})

test('an output that fails stops the sink, with its reason', async (t) => {
  const output = new SlowOutput()
  const { sink, source } = await start(t, output)
  source.emit('order.placed', {})
  await until('it is written', () => output.texts.length === 1)
  output.release(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await assert.rejects(sink.ended, (error: Error & { code?: string; cause?: { code?: string } }) => {
    assert.equal(error.code, 'SINK_FAILED')
    assert.equal(error.cause?.code, 'EPIPE')
    return true
  })
  assert.equal(sink.counters().dropped.failed, 1)
})

test('an event that cannot be printed is counted, and the others of its batch are printed', async () => {
  const output = new SlowOutput()
  const sink = new StdoutSink({ format: 'auto' }, output)
  const event = { type: 'order.placed', source: 'shop', epoch: 1, time: new Date(0) }
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  // The framework lets no such event through, so this is a batch of our own.
  const batch = [1, deep, 3].map((data, seq) => ({ ...event, seq, data }))
  const written = sink.write(batch as unknown as EventBatch)
  output.release()
  await written
  const lines = output.texts[0]!.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).seq),
    [0, 2],
  )
  assert.equal(sink.counters().unprintable, 1)
})

test('a terminal gets lines for people, of its present width', async (t) => {
  const output = Object.assign(new SlowOutput(), { isTTY: true, columns: 60 })
  const { source } = await start(t, output)
  source.emit('order.placed', { total: 12.5, text: 'x'.repeat(100) })
  await until('it is written', () => output.texts.length === 1)
  output.release()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour is taken off
  const line = output.texts[0]!.replace(/\u001b\[\d+m/g, '').trimEnd()
  assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} order\.placed {3}shop total=12\.5 text=x+…$/)
  assert.equal(line.length, 60)
})

test('in a process of its own: NDJSON into a pipe, and its end when the reader goes away', async () => {
  const script = `
    import stdout from '${new URL('stdout.js', import.meta.url)}'
    import { attach } from '${new URL('../../lib/index.js', import.meta.url)}'
    const sink = await attach(stdout.create({ format: 'auto' }), { bind: ['tcp://127.0.0.1:0'] })
    process.stderr.write(sink.endpoints[0] + '\\n')
    sink.ended.catch((error) => process.stderr.write(error.cause.code + '\\n'))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  const exited = once(child, 'exit')
  const said = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  const { value: endpoint } = await said.next()
  await using source = new EventSource({ source: 'shop', connect: [endpoint] })
  await source.subscribed('**', { timeout: 15_000 })
  source.emit('order.placed', { total: 12.5 }, { time: new Date(0) })
  const printed = createInterface({ input: child.stdout })
  const [line] = await once(printed, 'line')
  assert.equal(
    line,
    '{"type":"order.placed","source":"shop","time":"1970-01-01T00:00:00.000Z","seq":0,"data":{"total":12.5}}',
  )
  printed.close()
  child.stdout.destroy()
  await once(child.stdout, 'close')
  source.emit('order.placed', {})
  assert.equal((await said.next()).value, 'EPIPE')
  // The sink was all that kept it alive.
  assert.deepEqual(await exited, [0, null])
})

test('the component is named stdout and knows its formats', () => {
  assert.equal(stdout.name, 'stdout')
  assert.equal(stdout.options.parse({}).format, 'auto')
  assert.throws(() => stdout.options.parse({ format: 'xml' }))
})

const checks = conformsAsSink({
  definition: stdout,
  begin: () => ({ options: { format: 'ndjson' }, output: new PassThrough({ highWaterMark: 2 ** 30 }) }),
  create: ({ output }) => new StdoutSink({ format: 'ndjson' }, output),
  stored({ output }) {
    const text: string = output.read()?.toString() ?? ''
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  },
  refused: [{ format: 'xml' }],
})
for (const { name, run } of checks) test(name, run)
