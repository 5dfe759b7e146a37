import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csv, csvCell, fileName } from './export.js'
import { clock, digits, lasting, show } from './format.js'
import { readView, writeView } from './view.js'

test('numbers have three digits that matter and a unit that fits', () => {
  const cases: [number, string | undefined, string][] = [
    [0, undefined, '0'],
    [0.123456, undefined, '0.123'],
    [12.34, '%', '12.3%'],
    [999.7, undefined, '1k'],
    [1_234_567, undefined, '1.23M'],
    [0.0354, 's', '35.4 ms'],
    [90, 's', '1.5 min'],
    [0.00001, 'ms', '10 ns'],
    [1536, 'B', '1.5 KiB'],
    [15.2e9, 'bytes', '14.2 GiB'],
    [-2048, 'B/s', '-2 KiB/s'],
    [Number.NaN, 's', '–'],
    [Number.POSITIVE_INFINITY, undefined, '–'],
  ]
  for (const [value, unit, text] of cases) assert.equal(show(value, unit), text)
  assert.equal(digits(1.23456, 4), '1.2346')
  assert.deepEqual([400, 12_000, 600_000].map(lasting), ['0.4 s', '12 s', '10 min'])
  assert.equal(clock(3_661.5, true, true), '01:01:01.500')
})

test('what a spreadsheet would run as a formula is made harmless', () => {
  assert.deepEqual(
    ['=1+1', '+1', '-1', '@x', '\t=1', '|x', 'a"b', 'a,b', ' a', 'plain', -5, Number.NaN, null].map(csvCell),
    ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "'|x", '"a""b"', '"a,b"', '" a"', 'plain', '-5', '', ''],
  )
  assert.equal(csv(['a', 'b'], [[1, '=x']]), "a,b\r\n1,'=x\r\n")
  assert.equal(fileName('../../etc/passwd <x>', 'csv'), '.._.._etc_passwd_x_.csv')
})

test('a view survives the address, and nonsense in an address does no harm', () => {
  const view = {
    ...readView(''),
    window: 3600,
    range: [1_700_000_000, 1_700_000_060] as [number, number],
    filter: 'http.** cpu',
    theme: 'dark' as const,
    zone: 'utc' as const,
    kiosk: true,
    pinned: ['a.b'],
    closed: ['c'],
    apart: ['a.b rate'],
    together: ['a.b took_ms'],
    hidden: Object.assign(Object.create(null), { 'a.b rate': ['GET', '__proto__'] }),
  }
  assert.deepEqual(readView(`#${writeView(view)}`), view)
  assert.equal(writeView(readView('')), '')
  const bad = readView(
    `#window=77&range=5-1&theme=<script>&hidden=[1,2]&hidden={&pinned=${'x'.repeat(10_000)}`,
  )
  assert.deepEqual(bad, readView(''))
})
