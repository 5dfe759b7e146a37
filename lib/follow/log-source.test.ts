import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { freeEndpoint, until } from '../../testing/index.js'
import { attach, EventstormError, type LineParser, type StormEvent, startSource, z } from '../index.js'
import { followOptions, logSource } from './index.js'

const options = z.strictObject(followOptions())

/** `<n>` is an event, `throw` a bug in the parser, anything else fits no format. */
function numbers(): LineParser {
  let sum = 0
  return {
    line(text) {
      if (text === 'throw') throw new Error('a bug')
      if (text.startsWith('0')) return [{ type: 'test.number', data: { text: 0 } }]
      if (!/^\d+$/.test(text)) return { unparsed: 'expected a number' }
      sum += Number(text)
      return [{ type: 'test.number', data: { n: Number(text) }, time: new Date(Number(text)) }]
    },
    end: () => [{ type: 'test.number', data: { sum } }],
  }
}

async function scene(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'storm-log-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const events: StormEvent[] = []
  const listen = async () => {
    const sink = await attach(
      { write: (batch) => void events.push(...batch) },
      { bind: [freeEndpoint()], subscribe: ['**'] },
    )
    t.after(() => sink.close())
    return sink
  }
  const start = async (connect: readonly string[], given: z.input<typeof options>) => {
    const component = logSource(options.parse({ recheck: 20, subscriberTimeout: '1m', ...given }), {
      types: ['test.number'],
      parser: numbers,
    })
    const source = await startSource(component, {
      source: 'test',
      connect: [...connect],
      drainTimeout: '1m',
    })
    t.after(() => source.close())
    return source
  }
  const data = () => events.map((event) => event.data)
  return { directory, events, data, listen, start, at: (name: string) => join(directory, name) }
}

test('once: everything is read, every line becomes an event, and the source ends by itself', async (t) => {
  const { at, listen, start, data, events } = await scene(t)
  writeFileSync(at('a.log'), `1\nrubbish\nthrow\n0${'x'.repeat(3000)}\n2`)
  writeFileSync(at('b.log.gz'), gzipSync('3\n'))
  const sink = await listen()
  const files = [at('a.*'), at('b.log.gz')]
  const source = await start(sink.endpoints, { file: files, once: true, maxLineBytes: 2000 })
  await source.ended
  await until('all events are there', () => events.length === 8)
  const file = at('a.log')
  assert.deepEqual(
    data().filter((each) => !('reason' in (each as object))),
    [{ n: 1 }, { text: 0, truncated: true }, { n: 2 }, { sum: 3 }, { n: 3 }, { sum: 3 }],
  )
  assert.deepEqual(
    events.filter((event) => event.type === 'log.unparsed').map((event) => event.data),
    [
      { line: 'rubbish', reason: 'expected a number', file },
      { line: 'throw', reason: 'a bug', file },
    ],
  )
  assert.equal(events.find((event) => event.type === 'test.number')?.time.getTime(), 1)
  const { lines, cut, unparsed, refused } = source.counters()
  assert.deepEqual({ lines, cut, unparsed, refused }, { lines: 6, cut: 1, unparsed: 2, refused: 0 })
})

test('once: a file that breaks off is said at the end, after all that could be read', async (t) => {
  const { at, listen, start, data } = await scene(t)
  writeFileSync(at('a.log.gz'), gzipSync(`1\n2\n${'#'.repeat(10)}`).subarray(0, -8))
  writeFileSync(at('b.log'), '3\n')
  const sink = await listen()
  const source = await start(sink.endpoints, { file: [at('a.log.gz'), at('b.log')], once: true })
  await assert.rejects(source.ended, { code: 'FILE_UNREADABLE' })
  assert.equal(source.status, 'stopped')
  await until('the last is there', () => data().length >= 5)
  assert.deepEqual(data(), [{ n: 1 }, { n: 2 }, { sum: 3 }, { n: 3 }, { sum: 3 }])
})

test('replay: a file that breaks off ends it as failed', async (t) => {
  const { at, start } = await scene(t)
  writeFileSync(at('a.log.gz'), gzipSync('1\n').subarray(0, -8))
  const source = await start(['tcp://127.0.0.1:9'], { file: at('a.log.gz'), replay: 1000 })
  await assert.rejects(source.ended, { code: 'FILE_UNREADABLE' })
})

test('once: without a subscriber it reads all the same after a while, and ends', async (t) => {
  const { at, start } = await scene(t)
  writeFileSync(at('a.log'), '1\n')
  const source = await start(['tcp://127.0.0.1:9'], { file: at('a.log'), once: true, subscriberTimeout: 1 })
  await source.ended
  assert.equal(source.counters().unwanted, 2)
})

test('once: it can be closed while it waits for a subscriber', async (t) => {
  const { at, start } = await scene(t)
  writeFileSync(at('a.log'), '1\n')
  const source = await start(['tcp://127.0.0.1:9'], { file: at('a.log'), once: true })
  await source.close()
  assert.equal(source.counters().lines, 0)
})

test('once: a file that is not there is refused at the start', async (t) => {
  const { at, start } = await scene(t)
  for (const name of ['none.log', 'none*', '.']) {
    await assert.rejects(start(['tcp://127.0.0.1:9'], { file: at(name), once: true }), {
      code: 'FILE_UNREADABLE',
    })
  }
})

test('options that contradict each other are refused', () => {
  const refused = (given: z.input<typeof options>) =>
    assert.throws(
      () => logSource(options.parse(given), { types: [], parser: numbers }),
      (error) => error instanceof EventstormError && error.code === 'OPTIONS_INVALID',
    )
  refused({})
  refused({ file: 'a', once: true, replay: 5 })
  refused({ file: 'a', once: true, checkpoint: 'b' })
})

test('replay: the lines come again and again, with the present time', async (t) => {
  const { at, listen, start, events } = await scene(t)
  writeFileSync(at('a.log'), '1\n2\n')
  const began = Date.now()
  const sink = await listen()
  const source = await start(sink.endpoints, { file: at('a.log'), replay: 500 })
  await until('it has gone round some times', () => events.length > 30)
  await source.close()
  assert.ok(events.every((event) => event.time.getTime() >= began))
  assert.ok((source.counters().rounds as number) > 5)
})

test('from start: what lies there is not read before somebody listens', async (t) => {
  const { at, start, events } = await scene(t)
  writeFileSync(at('a.log'), '1\n2\n')
  const endpoint = freeEndpoint('ipc')
  const source = await start([endpoint], { file: at('a.log'), fromStart: true })
  appendFileSync(at('a.log'), '3\n')
  assert.equal(source.counters().lines, 0)
  const sink = await attach(
    { write: (batch) => void events.push(...batch) },
    { bind: [endpoint], subscribe: ['**'] },
  )
  t.after(() => sink.close())
  await until('all are there', () => events.length === 3)
  assert.equal(source.counters().unwanted, 0)
})

test('checkpoint: a restart goes on where the last run was, through a rotation', async (t) => {
  const { at, listen, start } = await scene(t)
  const sink = await listen()
  const given = { file: at('a.log'), checkpoint: at('places.json'), fromStart: true }
  writeFileSync(at('a.log'), '1\n2\n3')
  const first = await start(sink.endpoints, given)
  await until('the whole lines are read', () => first.counters().lines === 2)
  await first.close()
  appendFileSync(at('a.log'), '3\n')
  renameSync(at('a.log'), at('a.log.1'))
  writeFileSync(at('a.log'), '4\n')
  const second = await start(sink.endpoints, given)
  await until('the rest is read', () => second.counters().lines === 2)
  assert.equal(second.counters().bytesRead, '33\n4\n'.length)
  await second.close()
  const third = await start(sink.endpoints, given)
  appendFileSync(at('a.log'), '5\n')
  await until('the new line is read', () => third.counters().lines === 1)
  assert.equal(third.counters().bytesRead, '5\n'.length)
})

test('checkpoint: a corrupt one is set aside and does no harm', async (t) => {
  const { at, start } = await scene(t)
  for (const corrupt of ['', '{"version":1,"places":[{"path":1}]}', '\0'.repeat(100)]) {
    writeFileSync(at('places.json'), corrupt)
    writeFileSync(at('a.log'), '1\n')
    const source = await start(['tcp://127.0.0.1:9'], {
      file: at('a.log'),
      checkpoint: at('places.json'),
      fromStart: true,
      subscriberTimeout: 1,
    })
    await until('the line is read', () => source.counters().lines === 1)
    await source.close()
    assert.equal(readFileSync(at('places.json.corrupt'), 'utf8'), corrupt)
    assert.equal(JSON.parse(readFileSync(at('places.json'), 'utf8')).places[0].offset, 2)
  }
})
