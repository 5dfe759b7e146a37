import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TypeInfo } from '../protocol.js'
import { Arranger, OPEN_BY_ITSELF, type Wishes } from './arrange.js'

const nothing = { pinned: [], opened: [], closed: [] }
const types = (count: number, hint?: TypeInfo['hint']): TypeInfo[] =>
  Array.from({ length: count }, (_, i) => ({ type: `t${i}`, rate: 0, seen: 0, ...(hint && { hint }) }))
const rate = (type: string) => Number(type.slice(1))

test('twelve are open, by rate; hints come before it, pins before all', () => {
  const list = types(20)
  list[3]!.hint = { order: 1 }
  const { cards, strips } = new Arranger().arrange(list, rate, { ...nothing, pinned: ['t0'] }, false)
  assert.deepEqual(cards.slice(0, 3), ['t0', 't3', 't19'])
  assert.equal(cards.length, OPEN_BY_ITSELF)
  assert.equal(strips.length, 8)
})

test('nothing jumps: rates change, types come, and what is there keeps its place', () => {
  const arranger = new Arranger()
  const before = arranger.arrange(types(5), rate, nothing, false)
  const after = arranger.arrange(types(8), (type) => -rate(type), nothing, true)
  assert.deepEqual(after.cards.slice(0, 5), before.cards)
  assert.deepEqual(after.cards.slice(5), ['t5', 't6', 't7'])
})

test('what is closed becomes a strip, what is opened a card', () => {
  const arranger = new Arranger()
  const wishes = { pinned: [], opened: ['t0'], closed: ['t19'] }
  const { cards, strips } = arranger.arrange(types(20), rate, wishes, true)
  assert.ok(cards.includes('t0') && !cards.includes('t19'))
  assert.ok(strips.includes('t19'))
  assert.equal(cards.length + strips.length, 20)
})

test('open cards of a group stand together', () => {
  const list = types(6)
  list[0]!.hint = { group: 'web', order: 5 }
  list[5]!.hint = { group: 'web' }
  const { cards } = new Arranger().arrange(list, rate, nothing, false)
  assert.equal(Math.abs(cards.indexOf('t0') - cards.indexOf('t5')), 1)
})

test('types that never were heard of are strips, after all others, until they are', () => {
  const list = types(3)
  list[2]!.hint = { order: 1 }
  const arranger = new Arranger()
  const heard = new Set(['t0', 't1'])
  const arrange = (wishes: Wishes = nothing) =>
    arranger.arrange(list, (type) => (heard.has(type) ? rate(type) : undefined), wishes, true)
  assert.deepEqual(arrange(), { cards: ['t1', 't0'], strips: ['t2'] })
  assert.deepEqual(arrange({ ...nothing, opened: ['t2'] }).cards, ['t1', 't0', 't2'])
  heard.add('t2')
  assert.deepEqual(arrange().strips, [])
})
