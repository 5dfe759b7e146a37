import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../testing/random.js'
import { compilePattern, compilePatterns } from './pattern.js'

const CASES: [pattern: string, prefix: string, matching: string[], not: string[]][] = [
  ['http.hit', 'http.hit', ['http.hit'], ['http.hits', 'http', 'http.hit.x', 'HTTP.hit']],
  ['http.*', 'http.', ['http.hit', 'http.404'], ['http', 'http.hit.x', 'https.hit']],
  ['http.**', 'http', ['http', 'http.hit', 'http.a.b.c'], ['https', 'https.hit', 'a.http']],
  [
    'cpu.*.percentage',
    'cpu.',
    ['cpu.0.percentage', 'cpu.user.percentage'],
    ['cpu.percentage', 'cpu.a.b.percentage'],
  ],
  ['a.**.z', 'a.', ['a.z', 'a.b.z', 'a.b.c.z', 'a.z.z'], ['a', 'z', 'a.b', 'az', 'a.z.b']],
  ['*', '', ['a', 'http'], ['a.b', '_a']],
  ['**', '', ['a', 'a.b', 'a._b'], ['_a', '_a.b']],
  ['*.hit', '', ['http.hit'], ['hit', 'a.b.hit', '_a.hit']],
  ['**.hit', '', ['hit', 'a.hit', 'a.b.hit'], ['hits', 'a.hit.b', '_a.hit']],
  ['_storm.*', '_storm.', ['_storm.started'], ['storm.started']],
  ['a.**.**', 'a', ['a', 'a.b', 'a.b.c'], ['ab']],
  ['a+b.(c)', 'a+b.(c)', ['a+b.(c)'], ['aab.c']],
  ['a+b.*', 'a+b.', ['a+b.c'], ['aab.c']],
]

for (const [text, prefix, matching, not] of CASES) {
  test(`the pattern ${text} subscribes to ${JSON.stringify(prefix)}`, () => {
    const pattern = compilePattern(text)
    assert.equal(pattern.text, text)
    assert.equal(pattern.prefix, prefix)
    for (const type of matching) assert.ok(pattern.matches(type), `${type} matches`)
    for (const type of not) assert.ok(!pattern.matches(type), `${type} does not match`)
  })
}

test('what is no pattern is refused with the pattern named', () => {
  for (const text of ['', '.', 'a..b', 'a.', '***', 'a*', 'a.b*', 'a b', 'x'.repeat(256), undefined, 7]) {
    assert.throws(() => compilePattern(text as string), { code: 'PATTERN_INVALID' }, String(text))
  }
  assert.throws(() => compilePattern('a..b'), /got "a..b"/)
})

test('a pattern has at most 255 bytes, whatever its characters take', () => {
  const half = 'ü'.repeat(63)
  assert.equal(compilePattern(`${half}.${half}ab`).prefix.length, 129)
  assert.throws(() => compilePattern(`${half}.${half}abc`), { code: 'PATTERN_INVALID' })
  assert.throws(() => compilePattern(`${half}.${half}.*.a`), { code: 'PATTERN_INVALID' })
})

test('several patterns need no subscription that another one covers', () => {
  const set = compilePatterns(['http.**', 'http.hit', 'cpu.*', 'cpu.usage', 'ssh.login', 'ssh.login'])
  assert.deepEqual(set.prefixes, ['cpu.', 'http', 'ssh.login'])
  for (const type of ['http', 'http.hit', 'cpu.a', 'ssh.login']) assert.ok(set.matches(type), type)
  for (const type of ['https', 'cpu', 'ssh.login.failed']) assert.ok(!set.matches(type), type)
  assert.deepEqual(compilePatterns(['**', 'a']).prefixes, [''])
  // Wildcards do not ask for types that are reserved, so the empty prefix does not cover those.
  assert.deepEqual(compilePatterns(['**', '_meta.**', 'a']).prefixes, ['', '_meta'])
  assert.deepEqual(compilePatterns([]).prefixes, [])
})

test('a type made to be hard to match costs no time', () => {
  const pattern = compilePattern(`${'**.a.'.repeat(20)}b`)
  // As many steps as the segments of both, multiplied: this would not end in a matcher that tries all ways.
  assert.ok(!pattern.matches(Array(127).fill('a').join('.')))
  assert.ok(pattern.matches(`${Array(126).fill('a').join('.')}.b`))
})

/** The definition, word by word. */
function naive(pattern: string[], type: string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return type.length === 0
  if (first === '**') return naive(rest, type) || (type.length > 0 && naive(pattern, type.slice(1)))
  return type.length > 0 && (first === '*' || first === type[0]) && naive(rest, type.slice(1))
}

test('the matcher is the definition, and the prefix misses no type that matches', () => {
  const random = seeded(20_260_102)
  const pick = (words: string[]) => words[Math.floor(random() * words.length)]!
  const path = (words: string[]) => Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(words))
  let matched = 0
  for (let i = 0; i < 20_000; i++) {
    const pattern = path(['a', 'b', 'ab', '_a', '*', '**'])
    const type = path(['a', 'b', 'ab', '_a'])
    const expected = naive(pattern, type) && !(pattern[0]!.startsWith('*') && type[0]!.startsWith('_'))
    const compiled = compilePattern(pattern.join('.'))
    const at = `${pattern.join('.')} on ${type.join('.')}`
    assert.equal(compiled.matches(type.join('.')), expected, at)
    if (!expected) continue
    matched++
    assert.ok(type.join('.').startsWith(compiled.prefix), at)
  }
  assert.ok(matched > 1000, `only ${matched} pairs matched`)
})
