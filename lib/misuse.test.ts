import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attach,
  codeOf,
  EventRouter,
  type EventSink,
  EventSource,
  EventstormError,
  type RouterComponent,
  SinkError,
  type SourceComponent,
  startSink,
  startSource,
} from '../lib/index.js'
import { CollectingSink, ControlledClock, freeEndpoint, ManualSource, until } from '../testing/index.js'

const inproc = () => ({ connect: [freeEndpoint('inproc')] })
const nothing = () => {}

test('what is no component is refused before anything is opened', async () => {
  const sinks: [unknown, string][] = [
    [undefined, 'expected a sink with write(), an object, got undefined'],
    [nothing, 'expected a sink with write(), an object, got a function'],
    [{ open: nothing }, 'expected a sink with write(), whose write is a function, got undefined'],
    [{ write: nothing, close: 5 }, 'expected a sink with write(), whose close is a function, got 5'],
  ]
  for (const [sink, message] of sinks) {
    await assert.rejects(attach(sink as EventSink, inproc()), { code: 'COMPONENT_INVALID', message })
  }
  for (const source of [null, { open: nothing }, { open: nothing, close: nothing, counters: {} }]) {
    await assert.rejects(startSource(source as unknown as SourceComponent, inproc()), {
      code: 'COMPONENT_INVALID',
      message: /^expected a source with open\(\) and close\(\)/,
    })
  }
  for (const component of [5, { route: 'all' }]) {
    assert.throws(() => new EventRouter({ component: component as RouterComponent }), {
      code: 'COMPONENT_INVALID',
      message: /^expected a router, /,
    })
  }
})

test('a sink that was built with another copy of the package is understood', async () => {
  // The very module again, as another folder of node_modules would bring it.
  const other: typeof import('./errors.js') = await import(new URL('./errors.js?copy', import.meta.url).href)
  assert.ok(!(new other.SinkError('skip', 'bad') instanceof SinkError))
  assert.equal(codeOf(new other.SinkError('skip', 'bad')), 'SINK_FAILED')
  const written: unknown[] = []
  const sink = {
    write(batch: Iterable<{ data: unknown }>) {
      const data = [...batch].map((event) => event.data)
      if (data.includes(2)) throw new other.SinkError('skip', 'no twos')
      written.push(...data)
    },
  }
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint] })
  await using attached = await attach(sink, { connect: [endpoint] })
  await source.subscribed('**', { timeout: 30_000 })
  for (const n of [1, 2, 3]) source.emit('a.b', n)
  await until(
    'the others are written',
    () => attached.counters().dropped.rejected === 1 && written.length === 2,
  )
  assert.deepEqual(written, [1, 3])
  assert.equal(attached.counters().dropped.failed, 0)
})

test('what only looks like one of our errors has no code', () => {
  for (const error of [
    Object.assign(new Error('x'), { code: 'TIMEOUT' }),
    Object.assign(new EventstormError('TIMEOUT', 'x'), { code: 'toString' }),
    { name: 'EventstormError', code: 'TIMEOUT' },
    undefined,
  ]) {
    assert.equal(codeOf(error), undefined)
  }
  assert.equal(codeOf(new EventstormError('TIMEOUT', 'x')), 'TIMEOUT')
})

test('a source component that waits for a listener can be closed meanwhile', async () => {
  const clock = new ControlledClock()
  let waited: Promise<boolean> | undefined
  let after: Promise<boolean> | undefined
  const source = await startSource(
    {
      open: (_emit, { subscribed }) => {
        waited = subscribed('a.b', 10_000)
        after = waited.then(() => subscribed('a.b', 10_000))
      },
      close: async () => void (await after),
    },
    { bind: [freeEndpoint('inproc')], clock },
  )
  await source.drain()
  assert.deepEqual(await Promise.all([waited, after]), [false, false])
  assert.equal(clock.pending, 0)
})

test('a source that was closed says so, and counts what it had not sent', async () => {
  const endpoint = freeEndpoint('inproc')
  const source = new EventSource({ bind: [endpoint] })
  await using _sink = await attach(new CollectingSink(), { connect: [endpoint] })
  await source.subscribed('**', { timeout: 30_000 })
  for (let i = 0; i < 3; i++) source.emit('a.b', i)
  await source.close()
  assert.equal(source.emit('a.b', 3), false)
  const { emitted, sent, unwanted, dropped } = source.counters()
  assert.deepEqual({ emitted, sent, unwanted, dropped }, { emitted: 4, sent: 0, unwanted: 0, dropped: 4 })
  // Whether somebody had listened or not.
  await assert.rejects(source.subscribed(), { code: 'CLOSED' })
  await assert.rejects(source.subscribed('other'), { code: 'CLOSED' })
})

test('emit of a component after its end is no more than an answer', async () => {
  const component = new ManualSource()
  const source = await startSource(component, { bind: [freeEndpoint('inproc')] })
  await source.close()
  assert.equal(component.emit({ type: 'a.b', data: 1 }), false)
})

test('what opens after nobody waits for it any more is closed', async () => {
  const calls: string[] = []
  let open = () => {}
  const opening = new Promise<void>((resolve) => {
    open = resolve
  })
  const sink = startSink(
    { open: () => opening, write: () => {}, close: () => void calls.push('close') },
    { bind: [freeEndpoint('inproc')] },
  )
  await sink.close()
  assert.deepEqual(calls, [])
  open()
  await until('it is closed', () => calls.length === 1)
})

test('a write that has answered leaves no timer', async () => {
  const clock = new ControlledClock()
  const endpoint = freeEndpoint('inproc')
  await using source = new EventSource({ bind: [endpoint] })
  await using sink = await attach({ write: async () => {} }, { connect: [endpoint], clock })
  await source.subscribed('**', { timeout: 30_000 })
  const before = clock.pending
  source.emit('a.b', 1)
  await until('it is written', () => sink.counters().written === 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(clock.pending, before)
})
