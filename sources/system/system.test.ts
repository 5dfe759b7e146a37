import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { attach, parseOptions, type SourceComponent, type StormEvent, startSource } from '../../lib/index.js'
import { ControlledClock, conformsAsSource, freeEndpoint, until } from '../../testing/index.js'
import type { Driver } from './readings.js'
import system, { SystemSource } from './system.js'

type Figures = Record<string, number> & { corePercents: number[] }

/** Runs a component against a sink; `tick` lets an interval pass. */
async function start(t: TestContext, component: SourceComponent, logged: string[] = []) {
  const clock = new ControlledClock()
  const events: StormEvent[] = []
  const sink = await attach({ write: (batch) => void events.push(...batch) }, { bind: [freeEndpoint()] })
  const note = (_: object, message: string) => void logged.push(message)
  const source = await startSource(component, {
    connect: [...sink.endpoints],
    clock,
    log: { debug: () => {}, info: note, warn: note, error: note },
  })
  const of = (type: string) => events.filter((event) => event.type === type)
  const tick = () => clock.advance(2000)
  t.after(async () => {
    await source.close()
    await sink.close()
  })
  return { source, events, of, tick, clock }
}

const create = (options = {}) => new SystemSource(parseOptions(system.options, options, 'system'))

test('reads this machine, again at each interval', async (t) => {
  const { events, of, tick, clock } = await start(t, create())
  await until('two intervals of each kind have arrived', async () => {
    await tick()
    return system.types.every((type) => new Set(of(type).map((event) => event.time.getTime())).size >= 2)
  })
  for (const event of events) {
    const data = event.data as Figures
    for (const [name, value] of Object.entries(data)) {
      if (typeof value !== 'number') continue
      assert.ok(Number.isFinite(value) && value >= 0, `${event.type} ${name} is ${value}`)
      if (/percent$/i.test(name)) assert.ok(value <= 100, `${event.type} ${name} is ${value}`)
    }
    assert.ok(event.time.getTime() <= clock.now())
  }
  const cpu = of('cpu.usage')[0]!.data as Figures
  assert.ok(cpu.corePercents.length >= 1 && cpu.corePercents.every((each) => each >= 0 && each <= 100))
  const memory = of('memory.usage')[0]!.data as Figures
  assert.ok(memory.total! > 16e6, 'bytes, not kilobytes')
  assert.equal(memory.used! + memory.available!, memory.total)
  const disk = of('disk.usage')[0]!.data as Figures
  assert.ok(disk.total! >= disk.used! && disk.total! > 1e6)
  assert.ok(of('disk.usage').some((event) => (event.data as { mount: string }).mount.startsWith('/')))
  const network = of('network.usage').map((event) => event.data as Figures)
  assert.ok(network.every((each) => each.receivedBytes! >= 0 && each.receivedBytesPerSecond! >= 0))
})

test('only reads what is chosen', async (t) => {
  const { source, of, events, tick } = await start(t, create({ only: ['memory', 'cpu'] }))
  await until('both have arrived', async () => {
    await tick()
    return of('memory.usage').length > 1 && of('cpu.usage').length > 1
  })
  assert.deepEqual(new Set(events.map((event) => event.type)), new Set(['memory.usage', 'cpu.usage']))
  assert.ok((source.counters().readings as number) >= 4)
})

/** A driver whose every answer is the test's. */
function driver(over: Partial<Record<keyof Driver, () => Promise<unknown>>>): () => Promise<Driver> {
  const memory = { total: 100, available: 40, swaptotal: 0, swapused: 0 }
  return async () =>
    ({
      mem: async () => memory,
      fsSize: async () => [],
      networkStats: async () => [],
      ...over,
    }) as unknown as Driver
}

const defaults = parseOptions(system.options, {}, 'system')

test('a reading that fails is counted, logged once, and holds up no other', async (t) => {
  let broken = true
  const fsSize = async () => {
    if (broken) throw new Error('no df here')
    return [{ fs: '/dev/vda', type: 'ext4', mount: '/', size: 100, used: 30, available: 60 }]
  }
  const logged: string[] = []
  const { source, of, tick } = await start(t, new SystemSource(defaults, driver({ fsSize })), logged)
  await until('memory has been read three times', async () => {
    await tick()
    return of('memory.usage').length >= 3
  })
  assert.deepEqual(of('memory.usage')[0]!.data, {
    percent: 60,
    total: 100,
    used: 60,
    available: 40,
    swapTotal: 0,
    swapUsed: 0,
  })
  const failed = source.counters().failedReadings as Record<string, number>
  assert.ok(failed.disk! >= 3)
  assert.equal(failed.memory, 0)
  assert.deepEqual(logged, ['reading failed'])
  broken = false
  await until('the disk is read', async () => {
    await tick()
    return of('disk.usage').length >= 1
  })
  assert.deepEqual(of('disk.usage')[0]!.data, {
    mount: '/',
    device: '/dev/vda',
    filesystem: 'ext4',
    percent: 33.33,
    total: 100,
    used: 30,
    available: 60,
  })
  assert.deepEqual(logged, ['reading failed', 'reading works again'])
})

test('a reading that hangs is not started again, and its answer after the end is dropped', async (t) => {
  let asked = 0
  let answer = (_: unknown[]) => {}
  const fsSize = () => {
    asked++
    return new Promise<unknown[]>((resolve) => {
      answer = resolve
    })
  }
  const { source, of, tick } = await start(t, new SystemSource(defaults, driver({ fsSize })))
  await until('memory has been read three times', async () => {
    await tick()
    return of('memory.usage').length >= 3
  })
  assert.equal(asked, 1)
  assert.ok((source.counters().overdueReadings as number) >= 3)
  await source.close()
  const { emitted } = source.counters()
  answer([{ fs: 'nfs:/far', type: 'nfs', mount: '/far', size: 1, used: 1, available: 0 }])
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(source.counters().emitted, emitted)
})

test('bad options are told in one sentence', () => {
  const problem = (options: object, message: RegExp) =>
    assert.throws(() => parseOptions(system.options, options, 'system'), message)
  problem({ interval: '500ms' }, /interval: expected at least 1000 ms, got "500ms"/)
  problem(
    { only: 'gpu' },
    /only\.0: expected one of cpu, memory, disk, network, got "gpu"\. Did you mean "cpu"\?/,
  )
})

const checks = conformsAsSource({
  definition: system,
  begin: () => ({ options: { interval: '1s', only: ['cpu', 'memory'] } }),
  // Each reading takes its time, and the next one is not begun before.
  feed: (amount, { clock }) => clock.advance(Math.min(amount, 5) * 1000),
  refused: [{ interval: '10ms' }, { only: ['weather'] }],
})
for (const { name, run } of checks) test(name, run)
