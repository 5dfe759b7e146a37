/** Components that are wrong in one way each, and the check of the conformance suites that finds it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  defineRouter,
  defineSink,
  defineSource,
  type EventSink,
  type RouterComponent,
  type SourceComponent,
  z,
} from '../lib/index.js'
import {
  type Check,
  CollectingSink,
  conformsAsRouter,
  conformsAsSink,
  conformsAsSource,
  type SinkConformance,
} from '../testing/index.js'

const described = { name: 'wrong', summary: 'It is wrong in one way.', options: z.strictObject({}) }

/** What the checks say of a component: the names of those that fail. */
async function failing(checks: readonly Check[]): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of checks) {
    await run().catch(() => {
      names.push(name.replace(/^\w+ wrong /, ''))
    })
  }
  return names
}

/** The checks whose name begins so; the others would take the time of their deadlines. */
const only = (checks: readonly Check[], ...names: string[]) =>
  checks.filter(({ name }) => names.some((each) => name.replace(/^\w+ wrong /, '').startsWith(each)))

/** Timers that are left, for as long as a test takes. */
function timersOf(t: TestContext): NodeJS.Timeout[] {
  const timers: NodeJS.Timeout[] = []
  t.after(() => {
    for (const timer of timers) clearInterval(timer)
  })
  return timers
}

/** A source that emits a tick a second, wronged. */
function sourceChecks(wrong: (ticker: SourceComponent) => Partial<SourceComponent> = () => ({})) {
  const create = () => {
    let stop = () => {}
    const ticker: SourceComponent = {
      open(emit, { clock }) {
        stop = clock.every(1000, () => emit({ type: 'clock.tick', data: {} }))
      },
      close: () => stop(),
    }
    return { ...ticker, ...wrong(ticker) }
  }
  return conformsAsSource({
    definition: defineSource({ ...described, types: ['clock.tick'], create }),
    begin: () => ({ options: {} }),
    async feed(amount, { clock }) {
      await clock.advance(amount * 1000)
    },
  })
}

test('a source that is right passes', async () => {
  assert.deepEqual(await failing(sourceChecks()), [])
})

test('a source that goes on after close is found', async () => {
  const checks = sourceChecks(() => ({ close: () => {} }))
  assert.deepEqual(await failing(only(checks, 'sends what it has emitted')), [
    'sends what it has emitted before it ends, and emits nothing after',
  ])
})

test('a source that emits what it does not name is found', async () => {
  const checks = sourceChecks(() => ({
    open: (emit, { clock }) => void clock.every(1000, () => emit({ type: 'clock.tock', data: {} })),
  }))
  assert.deepEqual(await failing(only(checks, 'emits what it says')), [
    'emits what it says, numbered without a gap',
  ])
})

test('a source that leaves a timer on its clock is found', async () => {
  const checks = sourceChecks(() => ({
    open: (_emit, { clock }) => void clock.every(1000, () => {}),
  }))
  assert.deepEqual(await failing(only(checks, 'opens')), [
    'opens and closes, again and again, and leaves nothing behind',
  ])
})

test('a source with an end that does not wait for who listens is found', async () => {
  const checks = conformsAsSource({
    definition: defineSource({
      ...described,
      types: ['clock.tick'],
      create: () => ({
        open(emit, { subscribed, finish }) {
          emit({ type: 'clock.tick', data: 1 })
          void subscribed('clock.tick', 5000).then(() => {
            emit({ type: 'clock.tick', data: 2 })
            finish()
          })
        },
        close() {},
      }),
    }),
    begin: () => ({ options: {} }),
    feed: () => 0,
    finite: () => ({}),
  })
  assert.deepEqual(await failing(only(checks, 'ends by itself')), [
    'ends by itself when there will be no more',
  ])
})

test('a source that ends under options that let it go on is told so, at once', async () => {
  const checks = conformsAsSource({
    definition: defineSource({
      ...described,
      types: ['clock.tick'],
      create: () => ({
        open: (_emit, { subscribed, finish }) => void subscribed('clock.tick', 5000).then(finish),
        close() {},
      }),
    }),
    begin: () => ({ options: {} }),
    feed() {},
  })
  const [emits] = only(checks, 'emits what it says')
  await assert.rejects(emits!.run(), /expected wrong to run on under the options of begin\(\)/)
})

test('what is opened while it is made is found', async (t) => {
  const timers = timersOf(t)
  const checks = sourceChecks(() => {
    timers.push(setInterval(() => {}, 1e6))
    return {}
  })
  assert.deepEqual(await failing(only(checks, 'is made')), ['is made without opening anything'])
})

test('options that nobody refuses, and a description that is none, are found', async () => {
  const checks = conformsAsSource({
    definition: defineSource({
      ...described,
      summary: 'no sentence',
      options: z.looseObject({ depth: z.int().optional() }),
      types: ['clock.tick'],
      create: () => ({ open() {}, close() {} }),
    }),
    begin: () => ({ options: {} }),
    feed: () => 0,
  })
  assert.deepEqual(await failing(only(checks, 'is described', 'refuses')), [
    'is described',
    'refuses what it cannot do, with a code and in a sentence',
  ])
})

/** A sink that keeps events in memory, wronged. */
function sinkChecks(
  wrong: (sink: CollectingSink) => Partial<EventSink> = () => ({}),
  more: Partial<SinkConformance> = {},
) {
  type InMemory = { options: Record<string, unknown>; made: CollectingSink[] }
  return conformsAsSink<InMemory>({
    ...(more as Partial<SinkConformance<InMemory>>),
    definition: defineSink({ ...described, create: () => new CollectingSink() }),
    begin: (): InMemory => ({ options: {}, made: [] }),
    create({ made }) {
      const sink = new CollectingSink()
      made.push(sink)
      return {
        open: () => sink.open(),
        write: (batch) => sink.write(batch),
        close: () => sink.close(),
        ...wrong(sink),
      }
    },
    stored: ({ made }) => made.flatMap(({ events }) => events),
  })
}

test('a sink that is right passes', async () => {
  assert.deepEqual(await failing(sinkChecks()), [])
})

test('a sink that leaves an event out without a word is found', async () => {
  const checks = sinkChecks((sink) => ({
    write: (batch) => void sink.events.push(...[...batch].filter(({ seq }) => seq !== 7)),
  }))
  assert.deepEqual(await failing(only(checks, 'writes', 'goes on')), [
    'writes every event, whole and once',
    'writes what waits before it closes',
    'goes on after messages that are malformed, and counts them',
  ])
})

test('a sink that writes later, and not when it is closed, is found', async () => {
  const checks = sinkChecks((sink) => ({
    write: (batch) => void setTimeout(() => sink.write(batch), 1e6).unref(),
  }))
  assert.deepEqual(await failing(only(checks, 'writes what')), ['writes what waits before it closes'])
})

test('a sink that leaves something open is found', async (t) => {
  const timers = timersOf(t)
  const checks = sinkChecks(() => ({
    open: () => void timers.push(setInterval(() => {}, 1e6)),
  }))
  assert.deepEqual(await failing(only(checks, 'opens')), [
    'opens and closes, again and again, and leaves nothing behind',
  ])
})

test('a sink that says of itself that a batch is there once, and has it twice, is found', async () => {
  const right = sinkChecks(
    (sink) => ({
      write(batch) {
        const known = new Set(sink.events.map(({ type, source, seq }) => `${source} ${type} ${seq}`))
        sink.events.push(
          ...[...batch].filter(({ type, source, seq }) => !known.has(`${source} ${type} ${seq}`)),
        )
      },
    }),
    { idempotent: true },
  )
  assert.deepEqual(await failing(only(right, 'has a batch')), [])
  const wrong = sinkChecks(() => ({}), { idempotent: true })
  assert.deepEqual(await failing(only(wrong, 'has a batch')), ['has a batch once whose answer was lost'])
})

test('a sink that forgets what it could not write while its target was away is found', async () => {
  let isAway = false
  const given = new WeakSet<object>()
  const target = {
    away: () => {
      isAway = true
    },
    back: () => {
      isAway = false
    },
  }
  const checks = sinkChecks(
    (sink) => ({
      write(batch) {
        if (given.has(batch)) return
        if (!isAway) return sink.write(batch)
        given.add(batch)
        throw new Error('the target is away')
      },
    }),
    target,
  )
  assert.deepEqual(await failing(only(checks, 'keeps events')), ['keeps events while its target is away'])
})

test('events that stored() does not give as events are called so', async () => {
  const checks = conformsAsSink({
    definition: defineSink({ ...described, create: () => new CollectingSink() }),
    begin: () => ({ options: {} }),
    stored: () => ['{"type":"order.placed"}' as never],
  })
  const [writes] = only(checks, 'writes every')
  await assert.rejects(writes!.run(), /expected stored\(\) to give events/)
})

test('a sink that counts what it has not written is found', async () => {
  const checks = sinkChecks(() => ({ write: () => ({ rejected: -1 }) }))
  assert.deepEqual(await failing(only(checks, 'counts what its queue')), [
    'counts what its queue cannot hold, and its totals add up meanwhile',
  ])
})

const routerChecks = (component: RouterComponent) =>
  conformsAsRouter({
    definition: defineRouter({ ...described, create: () => component }),
    passes: (type) => !type.startsWith('debug.'),
  })

test('a router that is right passes, and one that keeps back now and then is found', async () => {
  const right = routerChecks({ route: ({ type }) => !type.startsWith('debug.') })
  assert.deepEqual(await failing(right), [])
  let turn = 0
  const wrong = routerChecks({ route: ({ type }) => !type.startsWith('debug.') && turn++ % 2 === 0 })
  assert.deepEqual(await failing(only(wrong, 'decides')), [
    'decides by type and source alone, also of heartbeats',
  ])
})
