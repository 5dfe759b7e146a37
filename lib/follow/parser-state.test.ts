import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ControlledClock, until } from '../../testing/index.js'
import { type Data, type LineParser, type SourceContext, silent, z } from '../index.js'
import { followOptions, logSource } from './index.js'

const options = z.strictObject(followOptions())

/** Tells with each line what it was told before. `open` waits for a line that closes it, or for the clock. */
function chain(): LineParser {
  let before = 'new'
  let openSince: number | undefined
  let begun = ''
  const event = (data: Data) => [{ type: 'test.link', data }]
  return {
    line(text) {
      const link = `${before}${begun} > ${text}`
      before = text
      begun = ''
      openSince = text === 'open' ? Number.POSITIVE_INFINITY : undefined
      return event(link)
    },
    begin(modified) {
      begun = ` [${modified}]`
    },
    expire(now) {
      if (openSince === undefined) return []
      openSince = Math.min(openSince, now)
      if (now - openSince < 1000) return []
      openSince = undefined
      return event('expired')
    },
    end: () => event(`end after ${before}`),
    save() {
      if (before === 'unsaveable') throw new Error('no way')
      return { before, at: new Date(5) }
    },
    restore(saved) {
      const known = saved as { before: string; at: Date }
      if (known.before === 'unusable') throw new Error('no use')
      assert.equal(known.at.getTime(), 5)
      before = `restored ${known.before}`
    },
  }
}

function scene(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'storm-state-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const at = (name: string) => join(directory, name)
  const clock = new ControlledClock()
  const start = async (given: z.input<typeof options>) => {
    const log = logSource(options.parse({ rotateWait: 100, ...given }), {
      types: ['test.link'],
      parser: chain,
    })
    const links: unknown[] = []
    const emit = (event: { data: Data }) => {
      links.push(event.data)
      return true
    }
    let finished = false
    await log.open(emit, {
      clock,
      log: silent,
      finish: () => {
        finished = true
      },
      subscribed: async () => true,
    } as unknown as SourceContext)
    t.after(() => log.close())
    const seen = (expected: unknown[]) =>
      until(`there is ${JSON.stringify(expected)}`, async () => {
        await clock.advance(20)
        if (links.length < expected.length) return false
        assert.deepEqual(links, expected)
        return true
      })
    return { log, seen, links, finished: () => finished }
  }
  const write = (name: string, text: string, modified: number) => {
    appendFileSync(at(name), text)
    utimesSync(at(name), modified / 1000, modified / 1000)
  }
  return { at, clock, start, write }
}

test('one parser for a name: it is told of each file that the name comes to stand for', async (t) => {
  const { at, start, write } = scene(t)
  write('a.log', 'one\n', 1000)
  const { seen } = await start({ file: at('*.log'), fromStart: true })
  await seen(['new [1000] > one'])
  renameSync(at('a.log'), at('a.log.1'))
  write('a.log.1', 'two\n', 2000)
  write('a.log', 'three\n', 3000)
  await seen(['new [1000] > one', 'one > two', 'two [3000] > three'])
  writeFileSync(at('a.log'), '')
  write('a.log', 'four\n', 4000)
  await seen(['new [1000] > one', 'one > two', 'two [3000] > three', 'three [4000] > four'])
})

test('a name that stands for nothing for a while keeps its parser', async (t) => {
  const { at, clock, start, write } = scene(t)
  write('a.log', 'one\n', 1000)
  const { log, seen } = await start({ file: at('*.log'), fromStart: true })
  await seen(['new [1000] > one'])
  rmSync(at('a.log'))
  await until('it is let go', async () => {
    await clock.advance(500)
    return log.counters!().files === 0
  })
  write('a.log', 'two\n', 2000)
  await seen(['new [1000] > one', 'one [2000] > two'])
})

test('once a second parsers may give what has waited too long', async (t) => {
  const { at, start, write } = scene(t)
  write('a.log', 'open\n', 1000)
  const { seen } = await start({ file: at('a.log'), fromStart: true })
  await seen(['new [1000] > open', 'expired'])
})

test('without a checkpoint, what is open goes out at the end; with one, the next run goes on with it', async (t) => {
  const { at, start, write } = scene(t)
  write('a.log', 'one\n', 1000)
  const file = at('a.log')
  const without = await start({ file, fromStart: true })
  await without.seen(['new [1000] > one'])
  await without.log.close()
  assert.deepEqual(without.links, ['new [1000] > one', 'end after one'])

  const given = { file, fromStart: true, checkpoint: at('places.json') }
  const first = await start(given)
  await first.seen(['new [1000] > one'])
  await first.log.close()
  assert.deepEqual(first.links, ['new [1000] > one'])
  write('a.log', 'two\n', 2000)
  const second = await start(given)
  await second.seen(['restored one [2000] > two'])
})

test('a process that dies goes on with what was known at the place where it goes on', async (t) => {
  const { at, start, write } = scene(t)
  const given = { file: at('a.log'), fromStart: true, checkpoint: at('places.json') }
  write('a.log', 'one\n', 1000)
  const first = await start(given)
  await first.seen(['new [1000] > one'])
  await until('it is saved', async () => {
    await first.seen(['new [1000] > one'])
    return readFileSync(at('places.json'), { encoding: 'utf8', flag: 'a+' }).includes('"offset": 4')
  })
  const saved = readFileSync(at('places.json'))
  write('a.log', 'two\n', 2000)
  await first.seen(['new [1000] > one', 'one > two'])
  await first.log.close()
  writeFileSync(at('places.json'), saved)
  const second = await start(given)
  await second.seen(['restored one [2000] > two'])
})

test('a parser that cannot save or restore begins anew, and keeps no other from it', async (t) => {
  const { at, start, write } = scene(t)
  for (const name of ['unsaveable', 'unusable', 'good']) write(`${name}.log`, `${name}\n`, 1000)
  const given = { file: at('*.log'), fromStart: true, checkpoint: at('places.json') }
  const first = await start(given)
  const all = ['good', 'unsaveable', 'unusable'].map((name) => `new [1000] > ${name}`)
  await until('all are read', async () => (await first.log.counters!().lines) === 3)
  assert.deepEqual(first.links.sort(), all)
  await first.log.close()
  for (const name of ['unsaveable', 'unusable', 'good']) write(`${name}.log`, 'next\n', 2000)
  const second = await start(given)
  await until('all are read', async () => second.log.counters!().lines === 3)
  assert.deepEqual(second.links.sort(), [
    'new [2000] > next',
    'new [2000] > next',
    'restored good [2000] > next',
  ])
})

test('once: each file begins with the time it was last written', async (t) => {
  const { at, start, write } = scene(t)
  write('a.log', 'one\n', 1000)
  write('b.log', 'two\n', 2000)
  const { links, finished } = await start({ file: at('*.log'), once: true })
  await until('it ends', finished)
  assert.deepEqual(links, ['new [1000] > one', 'end after one', 'new [2000] > two', 'end after two'])
})
