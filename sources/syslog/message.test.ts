import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyslogHeads } from '../../lib/syslog/index.js'
import { seeded } from '../../testing/index.js'
import { FACILITIES, readSyslog, toLine } from './message.js'
import { readStructuredData } from './structured-data.js'

const heads = () => new SyslogHeads({ zone: 'UTC', reference: Date.parse('2026-06-01T00:00:00Z') })

function read(text: string) {
  const { message, time } = readSyslog(text, heads())
  return { ...message, ...(time !== undefined && { time: new Date(time).toISOString() }) }
}

const NOTICE = { facility: 'user', facilityCode: 1, severity: 'notice', severityCode: 5 }

test('RFC 5424, with and without each part', () => {
  assert.deepEqual(
    read(
      '<34>1 2026-05-11T22:14:15.003+02:00 srv.example.org su 71 ID47 [a@1 k="v"][b x="1" x="2" x="3"] \uFEFFhello [x]',
    ),
    {
      facility: 'auth',
      facilityCode: 4,
      severity: 'crit',
      severityCode: 2,
      time: '2026-05-11T20:14:15.003Z',
      host: 'srv.example.org',
      program: 'su',
      pid: 71,
      messageId: 'ID47',
      structuredData: { 'a@1': { k: 'v' }, b: { x: ['1', '2', '3'] } },
      message: 'hello [x]',
    },
  )
  assert.deepEqual(read('<13>1 - - - - - -'), { ...NOTICE, message: '' })
  assert.deepEqual(read('<13>1 - - app thread-7 - - x'), {
    ...NOTICE,
    program: 'app',
    pid: 'thread-7',
    message: 'x',
  })
})

test('RFC 3164, and what is sent in its name', () => {
  const time = '2026-05-11T22:14:15.000Z'
  const named = { ...NOTICE, time, program: 'app', pid: 7, message: 'x: y' }
  assert.deepEqual(read('<13>May 11 22:14:15 srv app[7]: x: y'), { ...named, host: 'srv' })
  assert.deepEqual(read('<13>May 11 22:14:15 app[7]: x: y'), named)
  assert.deepEqual(read('<13>2026-05-11T22:14:15Z srv app[7]: x: y'), { ...named, host: 'srv' })
  assert.deepEqual(read('<190>May 11 22:14:15 web nginx: 192.0.2.1 - -'), {
    ...{ facility: 'local7', facilityCode: 23, severity: 'info', severityCode: 6 },
    ...{ time, host: 'web', program: 'nginx', message: '192.0.2.1 - -' },
  })
  assert.deepEqual(read('<13>May 11 22:14:15 srv no program'), {
    ...{ ...NOTICE, time, host: 'srv', message: 'no program' },
  })
})

test('what is no syslog is a message all the same', () => {
  for (const text of ['', 'hello', '<>x', '<999>x', '<192>x', '<13', '\0', '<1 3>x', '< 13>x', '<13>1']) {
    const message = text.replace(/^<13>/, '')
    assert.equal(read(text).message, message, text)
    assert.equal('facility' in read(text), text.startsWith('<13>'), text)
  }
  const broken = [
    '1 2026-05-11 srv a - - - x',
    '1 2026-13-11T22:14:15Z srv a - - - x',
    '1 - srv a - - [a x',
    '1 - srv a - - [a k=v] x',
    '1 - srv a - - [a k="v]',
    '1 - srv a - - [a k="v"]x',
    '1 - srv a - - -x',
    '0 - srv a - - - x',
    '1 -  a - - - x',
  ]
  for (const text of broken) assert.deepEqual(read(`<13>${text}`), { ...NOTICE, message: text })
})

test('every priority has its words', () => {
  assert.equal(FACILITIES.length, 24)
  for (let code = 0; code < 192; code++) {
    const { facilityCode, severityCode } = read(`<${code}>x`)
    assert.equal(facilityCode! * 8 + severityCode!, code)
  }
})

test('structured data takes escapes, and names that are traps', () => {
  const data = (text: string) => readStructuredData(text, 0)
  assert.deepEqual(data('[a k="\\"\\\\\\]\\n"]'), { data: { a: { k: '"\\]\\n' } }, end: 16 })
  const trap = data('[__proto__ __proto__="1" constructor="2"]')!.data
  assert.equal(Object.getPrototypeOf(trap), Object.prototype)
  assert.deepEqual(Object.keys(trap), ['__proto__'])
  assert.deepEqual(Object.entries(Object.entries(trap)[0]![1]), [
    ['__proto__', '1'],
    ['constructor', '2'],
  ])
  assert.equal(({} as Record<string, unknown>).k, undefined)
})

test('a message becomes a line of a log that says the same', () => {
  const time = Date.parse('2026-05-11T22:14:15.003Z')
  for (const message of [
    { host: 'srv', program: 'app', pid: 7, message: 'x [y]: z' },
    { host: 'srv', program: 'app', message: 'x' },
    { host: '-', program: '-', message: '' },
  ]) {
    const line = toLine(message, time)
    const { messageAt, ...head } = heads().read(line)!
    assert.deepEqual({ ...head, message: line.slice(messageAt) }, { ...message, time })
  }
})

test('nothing makes it throw or take long', () => {
  const random = seeded(5424)
  const below = (limit: number) => Math.floor(random() * limit)
  const pieces = [
    '<13>',
    '1 ',
    '- ',
    '[a ',
    'k="',
    '\\',
    '"',
    ']',
    ' ',
    'May 11 22:14:15 ',
    'srv ',
    'a[1]: ',
    '\0',
    'é',
    '\ud800',
  ]
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: below(14) }, () => pieces[below(pieces.length)]).join('')
    const { message } = readSyslog(text, heads())
    assert.ok(text.includes(message.message))
  }
  for (const piece of ['[a k="', '\\"', ' k="v"', '[a]', '<13>', '- ']) {
    read(`<13>1 - - - - - [a k="v"${piece.repeat(60_000 / piece.length)}`)
  }
})
