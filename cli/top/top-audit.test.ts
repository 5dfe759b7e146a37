/** `top` names who is stalled, slow or dead: real processes, stopped and killed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { Audit, EventRouter, type StormEvent } from '../../lib/index.js'
import { freePorts } from '../../servers/index.js'
import { freeEndpoint, Remote, until } from '../../testing/index.js'
import { Program } from '../fixtures/program.js'
import { addAudit } from './audit-metrics.js'
import { auditScreen } from './audit-screen.js'

/** For a machine that has much else to do, milliseconds. */
const WAIT = 60_000

interface Look {
  troubles: string[]
  sources: { source: string; state: string }[]
  sinks: { sink: string; state: string }[]
}

test('a stalled, a slow and a silent sink and a dead source are named, and the others are not', async (t) => {
  const ends = { bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] }
  await using steady = new EventRouter(ends)
  const [sources, sinks] = [steady.sourceEndpoints[0]!, steady.sinkEndpoints[0]!]
  const started: Remote[] = []
  t.after(() => Promise.all(started.map((each) => each.kill())))
  const start = async (role: 'source' | 'router' | 'sink', options: object) => {
    const remote = await Remote.start(role, { reconnectInterval: '20ms', ...options })
    started.push(remote)
    return remote
  }
  const sink = (name: string, connect: string, options: object = {}) =>
    start('sink', { name, connect: [connect], report: [sources], subscribe: ['load.**'], ...options })

  const weak = await start('router', ends)
  const [weakSources, weakSinks] = weak.endpoints as [string, string]
  await sink('fine', sinks)
  const stopped = await sink('stopped', sinks)
  await sink('full', sinks, { writeTime: 3_600_000, writeTimeout: '1d', queueEvents: 50 })
  const flow = { types: ['load.a'], perSecond: 100 }
  const names = ['busy', 'killed', 'quiet']
  const [busy, killed] = await Promise.all(
    names.map((source) => start('source', { source, connect: [sources, weakSources] })),
  )
  await busy!.flow(flow)
  await killed!.flow(flow)
  // Later than the others: what is numbered while only this way is open would be lost to them.
  await sink('behind-weak', weakSinks)

  const [port] = await freePorts(1)
  const flags = ['--connect', sinks, '--interval', '200ms']
  const audit = ['--audit', '--output', 'json', '--metrics', String(port)]
  await using table = new Program(['top', ...flags, 'load.**'])
  const tells = (...said: RegExp[]) => {
    const last = table.stdout.split('\n\n').at(-2) ?? ''
    return said.every((each) => each.test(last))
  }
  // First the table hears reports, then the audit: whoever the audit knows of has been told to both.
  await until('the plain table names the queue that is full', () => tells(/full slow/), WAIT)
  await using top = new Program(['top', ...flags, ...audit])
  // Read from its last whole line alone: there are thousands of looks until it has one.
  const look = () => {
    const [line = ''] = top.stdout.split('\n').slice(-2)
    return line === '' ? undefined : (JSON.parse(line) as Look)
  }
  const are = (expected: Record<string, string>, at = look()) => {
    const stateOf = (name: string) =>
      at?.sinks.find((each) => each.sink.endsWith(`/${name}`))?.state ??
      at?.sources.find(({ source }) => source === name)?.state
    return Object.entries(expected).every(([name, state]) => stateOf(name) === state)
  }

  const well = { fine: 'alive', stopped: 'alive', 'behind-weak': 'alive', busy: 'alive' }
  await until(
    'all is well but for the queue that is full',
    () => are({ ...well, full: 'slow', killed: 'alive', quiet: 'alive' }),
    WAIT,
  )
  stopped.pause()
  weak.pause()
  await killed!.kill()
  const wrong = { stopped: 'dead', 'behind-weak': 'stalled', killed: 'dead', full: 'slow' }
  let named: Look | undefined
  await until(
    'each is named',
    () => {
      named = look()
      return are({ ...wrong, fine: 'alive', busy: 'alive', quiet: 'alive' }, named)
    },
    WAIT,
  )
  const said = named!.troubles.join('\n')
  assert.match(said, /source killed dead since \d\d:\d\d:\d\dZ/)
  assert.match(said, /sink \S+\/stopped dead since/)
  assert.match(said, /sink \S+\/behind-weak stalled since/)
  assert.match(said, /sink \S+\/full slow since/)
  assert.doesNotMatch(said, /fine|busy|quiet/)
  await until(
    'the plain table names them too',
    () => tells(/source killed dead/, /behind-weak stalled/, /full slow/),
    WAIT,
  )

  let metrics = ''
  const value = (name: string, labels: RegExp) =>
    metrics
      .split('\n')
      .filter((line) => line.startsWith(`eventstorm_audit_${name}{`) && labels.test(line))
      .map((line) => Number(line.split(' ').at(-1)))
  // Another moment, in which any of them may have been without processor time for too long.
  await until(
    'the metrics name them too',
    async () => {
      metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const [stalled] = value('sink_state', /\/behind-weak",state="stalled"/)
      const [quiet] = value('source_state', /source="quiet",state="alive"/)
      return stalled === 1 && quiet === 1
    },
    WAIT,
  )
  assert.deepEqual(value('sink_state', /\/behind-weak",state="stalled"/), [1])
  assert.deepEqual(value('sink_state', /\/behind-weak",state="alive"/), [0])
  assert.deepEqual(value('source_state', /source="killed",state="dead"/), [1])
  assert.deepEqual(value('source_state', /source="quiet",state="alive"/), [1])
  assert.ok(value('sink_dropped_total', /\/full",reason="overflow"/)[0]! > 0)
  assert.ok(value('stream_sent_total', /source="busy",type="load\.a"/)[0]! > 0)
  assert.ok(value('stream_received_total', /source="busy",type="load\.a",sink="\S+\/fine"/)[0]! > 0)
  assert.deepEqual(value('untold', /of="streams"/), [0])

  stopped.resume()
  weak.resume()
  await until('they are well again', () => are(well), WAIT)
})

test('metrics of an audit tell a bounded number of series, and how many they do not tell', async () => {
  const books = new Audit()
  const report = (type: string, source: string, data: object) =>
    books.take({ type, source, epoch: 1, data } as unknown as StormEvent, 1000)
  const types = Array.from({ length: 400 }, (_, i) => `a.${i}`)
  for (let s = 0; s < 600; s++)
    report('_report.source', `s${s}`, {
      streams: types.slice(0, s < 3 ? 400 : 1).map((type) => ({ type, sent: 5 })),
    })
  for (let s = 0; s < 250; s++) report('_report.sink', `sink${s}`, { streams: [] })
  const registry = new Registry()
  addAudit(registry, books, 1000)
  const lines = (await registry.metrics()).split('\n')
  const untold = (of: string) =>
    Number(lines.find((line) => line.startsWith(`eventstorm_audit_untold{of="${of}"}`))?.split(' ')[1])
  assert.deepEqual(['sources', 'streams', 'sinks'].map(untold), [100, 3 * 400 + 597 - 1000, 50])
  assert.equal(lines.filter((line) => line.startsWith('eventstorm_audit_stream_sent_total{')).length, 1000)
})

test('on a screen an audit takes the lines and columns there are, and shows the worst first', () => {
  const books = new Audit()
  const report = (type: string, source: string, data: object) =>
    books.take({ type, source, epoch: 1, data } as unknown as StormEvent, 1000)
  const streams = Array.from({ length: 50 }, (_, i) => ({ type: `order.placed.${i}`, sent: 10 }))
  report('_report.source', 'shop', { streams })
  const received = streams.map(({ type }, i) => {
    const lost = i === 33 ? 4 : 0
    return { source: 'shop', epoch: 1, type, next: 10, received: 10 - lost, lost, duplicate: 0, before: 0 }
  })
  for (let s = 0; s < 9; s++) {
    const totals = {
      received: 496,
      written: 496,
      alreadyStored: 0,
      queued: 0,
      dropped: {},
      duplicate: 0,
      late: 0,
    }
    report('_report.sink', `a-very-long-name-of-a-host.example/sink${s}`, {
      ...totals,
      streams: s === 0 ? received : [],
    })
  }
  const plain = (text: string) => text
  for (const [rows, columns] of [
    [24, 80],
    [40, 200],
    [12, 100],
  ] as const) {
    const lines = auditScreen(books, 1000, { rows, columns, look: { bold: plain, dim: plain, red: plain } })
    const text = lines.join('\n')
    assert.ok(lines.length <= rows, `${lines.length} lines on ${rows}\n${text}`)
    assert.ok(
      lines.every((line) => line.length <= columns),
      text,
    )
    const [heading, worst] = lines
    assert.match(heading!, /^source +type +sent +sink +received +lost/)
    assert.equal(worst!.split(/ +/)[5], '4', text)
    const shown = lines.filter((line) => line.startsWith('shop ')).length
    assert.match(text, new RegExp(`^and ${50 - shown} more$`, 'm'))
    assert.match(text, /^sink +received +written/m)
    assert.match(text, /the bus has lost 4 events on the way to a-very-long/)
  }
})
