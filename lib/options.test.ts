import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  byteSize,
  checkOptions,
  didYouMean,
  duration,
  list,
  listOptions,
  optionsJsonSchema,
  optionsTable,
  parseOptions,
  showDefault,
  z,
} from './options.js'

const schema = z.strictObject({
  file: list().meta({ description: 'A file to follow.', argument: 'path' }),
  fromStart: z.boolean().default(false).meta({ description: 'Read what is there already.' }),
  interval: duration().prefault('1s').meta({ description: 'Time between two looks.' }),
  bufferSize: byteSize().prefault('64KiB').meta({ description: 'Bytes read at once.', argument: 'size' }),
  format: z.enum(['combined', 'json']).default('combined').meta({ description: 'What lines look like.' }),
  depth: z.int().min(1).max(9).default(3).meta({ description: 'How deep | how wide.' }),
  ratio: z.number().optional().meta({ description: 'A share.' }),
  name: z.string().min(1).meta({ description: 'Who.', argument: 'name' }),
})

test('what is not given has its default', () => {
  assert.deepEqual(parseOptions(schema, { name: 'x' }, 'here'), {
    file: [],
    fromStart: false,
    interval: 1000,
    bufferSize: 65536,
    format: 'combined',
    depth: 3,
    name: 'x',
  })
})

test('lengths of time are milliseconds or have a unit', () => {
  const parse = (value: unknown) => z.object({ t: duration() }).safeParse({ t: value }).data?.t
  const good: [unknown, number][] = [
    [0, 0],
    [1.5, 1.5],
    ['250', 250],
    ['500ms', 500],
    ['5s', 5000],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ]
  for (const [value, ms] of good) assert.equal(parse(value), ms, String(value))
  for (const value of [
    '',
    '5 s',
    's',
    '-1s',
    '1e3',
    '5S',
    '5min',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    true,
    ['5s'],
  ]) {
    assert.equal(parse(value), undefined, String(value))
  }
})

test('sizes are bytes or have a unit, by 1000 or by 1024', () => {
  const parse = (value: unknown) => z.object({ s: byteSize() }).safeParse({ s: value }).data?.s
  const good: [unknown, number][] = [
    [10, 10],
    ['10', 10],
    ['10B', 10],
    ['10kB', 10_000],
    ['10MB', 1e7],
    ['1GB', 1e9],
    ['64KiB', 65_536],
    ['1.5MiB', 1_572_864],
    ['1GiB', 2 ** 30],
  ]
  for (const [value, bytes] of good) assert.equal(parse(value), bytes, String(value))
  for (const value of ['10kb', '10K', '10 MB', '1TB', -1, '', {}])
    assert.equal(parse(value), undefined, String(value))
})

test('one text is a list of one', () => {
  const parse = (value: unknown) => z.object({ l: list() }).safeParse({ l: value }).data?.l
  assert.deepEqual(parse('a'), ['a'])
  assert.deepEqual(parse(['a', 'b']), ['a', 'b'])
  assert.deepEqual(parse(undefined), [])
  for (const value of ['', [''], [1], 1]) assert.equal(parse(value), undefined, JSON.stringify(value))
})

test('flags, kinds and arguments are derived from the one description', () => {
  assert.deepEqual(
    listOptions(schema).map(({ name, flag, kind, argument, required, choices }) => [
      name,
      flag,
      kind,
      argument,
      required,
      choices,
    ]),
    [
      ['file', '--file', 'list', 'path', false, undefined],
      ['fromStart', '--from-start', 'boolean', '', false, undefined],
      ['interval', '--interval', 'measure', 'time', false, undefined],
      ['bufferSize', '--buffer-size', 'measure', 'size', false, undefined],
      ['format', '--format', 'text', 'text', false, ['combined', 'json']],
      ['depth', '--depth', 'number', 'n', false, undefined],
      ['ratio', '--ratio', 'number', 'n', false, undefined],
      ['name', '--name', 'text', 'name', true, undefined],
    ],
  )
  assert.deepEqual(listOptions(schema).map(showDefault), [
    'none',
    'false',
    '1s',
    '64KiB',
    'combined',
    '3',
    'none',
    'required',
  ])
})

test('the table of a README has a row for each option', () => {
  const rows = optionsTable(schema).split('\n')
  assert.equal(rows.length, 2 + 8)
  assert.equal(rows[2], '| `--file <path>` | `none` | A file to follow. |')
  assert.equal(rows[3], '| `--from-start` | `false` | Read what is there already. |')
  assert.equal(rows[6], '| `--format <text>` | `combined` | What lines look like. One of combined, json. |')
  const on = z.strictObject({ create: z.boolean().default(true).meta({ description: 'Make it.' }) })
  assert.equal(optionsTable(on).split('\n')[2], '| `--no-create` | `on` | Make it. |')
  assert.match(rows[7]!, /How deep \\\| how wide\./, 'a bar would end the cell')
})

test('the JSON Schema is of what a user writes', () => {
  const { properties, required } = optionsJsonSchema(schema)
  assert.deepEqual(required, ['name'])
  assert.deepEqual(Object.keys(properties), Object.keys(schema.shape))
  assert.equal(properties.interval!.default, '1s')
  assert.deepEqual(
    properties.interval!.anyOf?.map(({ type }) => type),
    ['number', 'string'],
  )
  assert.deepEqual(properties.format!.enum, ['combined', 'json'])
  assert.equal((optionsJsonSchema(schema) as { additionalProperties?: boolean }).additionalProperties, false)
  assert.doesNotThrow(() => JSON.stringify(optionsJsonSchema(schema)))
})

test('all problems are told at once, each with its place', () => {
  const { options, problems } = checkOptions(schema, {
    file: ['a', 7],
    fromStrat: true,
    interval: '5 minutes',
    format: 'xml',
    depth: 10,
    zzz: 1,
  })
  assert.equal(options, undefined)
  const told = new Map(problems.map(({ path, message }) => [path.join('.'), message]))
  assert.deepEqual([...told.keys()].map((key) => key.split('.')[0]).sort(), [
    'depth',
    'file',
    'format',
    'fromStrat',
    'interval',
    'name',
    'zzz',
  ])
  assert.equal(told.get('name'), 'is required')
  assert.match(told.get('fromStrat')!, /^unknown option\. Did you mean "fromStart"\?$/)
  assert.match(told.get('zzz')!, /^unknown option\. Known are: file, fromStart, .*name\.$/)
  assert.match(told.get('interval')!, /^expected a length of time such as .*, got "5 minutes"$/)
  assert.match(told.get('format')!, /combined.*json.*, got "xml"$/)
  assert.match(told.get('depth')!, /^expected at most 9, got 10$/)
})

test('bounds and choices are told in words, with the choice that was probably meant', () => {
  const words = z.strictObject({
    name: z.string().min(1),
    rate: z.number().gt(0),
    sort: z.enum(['rate', 'lost']),
  })
  const { problems } = checkOptions(words, { name: '', rate: 0, sort: 'los' })
  assert.deepEqual(
    problems!.map(({ message }) => message),
    [
      'expected a text that is not empty, got ""',
      'expected more than 0, got 0',
      'expected one of rate, lost, got "los". Did you mean "lost"?',
    ],
  )
})

test('the error names every problem and where the options were given', () => {
  assert.throws(
    () => parseOptions(schema, { depth: 0, fromStart: 'yes' }, 'the source web'),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'OPTIONS_INVALID')
      assert.match(
        error.message,
        /^the source web: .*fromStart: .*boolean, got "yes".*; depth: .*1, got 0.*; name: is required$/,
      )
      return true
    },
  )
  assert.throws(() => parseOptions(schema, 7, 'here'), { code: 'OPTIONS_INVALID' })
  assert.throws(() => parseOptions(schema, undefined, 'here'), { message: 'here: name: is required' })
})

test('a word that is nearly a known one is recognised', () => {
  const known = ['fromStart', 'format', 'file']
  assert.equal(didYouMean('fromstart', known), ' Did you mean "fromStart"?')
  assert.equal(didYouMean('fromat', known), ' Did you mean "format"?')
  assert.equal(didYouMean('fil', known), ' Did you mean "file"?')
  assert.equal(didYouMean('flie', known), ' Did you mean "file"?')
  assert.equal(didYouMean('interval', known), '')
  assert.equal(didYouMean('x', []), '')
})
