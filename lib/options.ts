import { z } from 'zod'
import { EventstormError, show } from './errors.js'

/**
 * An option is described once, as a field of a zod object with `.meta({ description, argument? })`; its
 * type, default, check, command-line flag, README row and JSON Schema are all derived from that.
 *
 *     const options = z.strictObject({
 *       file: list().meta({ description: 'A file to follow.', argument: 'path' }),
 *       interval: duration().prefault('1s').meta({ description: 'Time between two looks.' }),
 *     })
 */
export { z }

/** Options of a component or of the framework: a zod object. */
export type OptionSchema = z.ZodObject

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_UNITS: Record<string, number> = {
  B: 1,
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

function measure(units: Record<string, number>, bare: number, argument: string, expected: string) {
  const form = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(units).join('|')})?$`)
  return z
    .union([z.number().nonnegative(), z.string().regex(form, { error: `expected ${expected}` })], {
      error: `expected ${expected}`,
    })
    .transform((value) => {
      if (typeof value === 'number') return value
      const [, figure, unit] = form.exec(value)!
      return Number(figure) * (unit ? units[unit]! : bare)
    })
    .meta({ argument })
}

/** A length of time: milliseconds as a number, or `500ms`, `5s`, `10m`, `1h`, `7d`. Becomes milliseconds. */
export const duration = () =>
  measure(DURATION_UNITS, 1, 'time', 'a length of time such as 500 (milliseconds), "5s", "10m" or "1h"')

/** An amount of bytes: a number, or `64KiB`, `10MB`. Becomes bytes. */
export const byteSize = () =>
  measure(SIZE_UNITS, 1, 'size', 'a size such as 65536 (bytes), "64KiB" or "10MB"')

/** A list of texts; one text alone is a list of one. */
export const list = () =>
  z
    .union([z.array(z.string().min(1)), z.string().min(1)], { error: 'expected a text or a list of texts' })
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .prefault([])

/** One option as documents and the command line need it. */
export interface OptionInfo {
  /** As in a pipeline file or in code: `fromStart`. */
  name: string
  /** As on the command line: `--from-start`. */
  flag: string
  kind: 'boolean' | 'number' | 'text' | 'list' | 'measure' | 'object'
  /** What stands after the flag: `path`. Empty for booleans. */
  argument: string
  description: string
  /** As the user would write it; undefined when there is none. */
  default: unknown
  required: boolean
  choices?: string[]
}

interface PropertySchema {
  type?: string
  enum?: unknown[]
  anyOf?: PropertySchema[]
  description?: string
  default?: unknown
  argument?: string
}

function kindOf(property: PropertySchema): OptionInfo['kind'] {
  const types = property.anyOf?.map((each) => each.type) ?? [property.type]
  if (types.includes('array')) return 'list'
  if (types.includes('number') && types.includes('string')) return 'measure'
  if (types.includes('number') || types.includes('integer')) return 'number'
  if (types.includes('boolean')) return 'boolean'
  return types.includes('object') ? 'object' : 'text'
}

const ARGUMENTS = {
  boolean: '',
  number: 'n',
  text: 'text',
  list: 'text',
  measure: 'size',
  object: 'json',
} as const

/** JSON Schema of the options as a user writes them. */
export function optionsJsonSchema(schema: OptionSchema): {
  properties: Record<string, PropertySchema>
  required?: string[]
} {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest as ReturnType<typeof optionsJsonSchema>
}

/** What is to be known of each option, in the order in which they are written. */
export function listOptions(schema: OptionSchema): OptionInfo[] {
  const { properties, required = [] } = optionsJsonSchema(schema)
  return Object.entries(properties).map(([name, property]) => {
    const kind = kindOf(property)
    return {
      name,
      flag: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      kind,
      argument: kind === 'boolean' ? '' : (property.argument ?? ARGUMENTS[kind]),
      description: property.description ?? '',
      default: property.default,
      required: required.includes(name),
      ...(property.enum ? { choices: property.enum.map(String) } : {}),
    }
  })
}

/** The default as a document or `--help` shows it: `none` for an empty list. */
export function showDefault(option: OptionInfo): string {
  if (option.default === undefined) return option.required ? 'required' : 'none'
  if (Array.isArray(option.default)) return option.default.length ? option.default.join(', ') : 'none'
  return String(option.default)
}

/** The rows of a component's README, as Markdown. */
export function optionsTable(schema: OptionSchema): string {
  const rows = listOptions(schema).map((option) => {
    const isOn = option.kind === 'boolean' && option.default === true
    // What is on can only be switched off, as on the command line.
    const name = isOn ? option.flag.replace(/^--/, '--no-') : option.flag
    const flag = option.argument ? `${name} <${option.argument}>` : name
    const description = option.choices
      ? `${option.description} One of ${option.choices.join(', ')}.`
      : option.description
    return `| \`${flag}\` | \`${isOn ? 'on' : showDefault(option)}\` | ${description.replaceAll('|', '\\|')} |`
  })
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** One thing wrong with a set of options. */
export interface Problem {
  /** Where in the options: `['sources', 'web', 'file', 0]`. */
  path: (string | number)[]
  message: string
}

/** How many letters to add, drop, change or swap with their neighbour (optimal string alignment), for "did you mean". */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    const above = rows[i - 1]!
    for (let j = 1; j <= b.length; j++) {
      const change = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? rows[i - 2]![j - 2]! + 1 : change
      row[j] = Math.min(row[j - 1]! + 1, above[j]! + 1, change, swap)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** The known word that was most likely meant, as ` Did you mean "x"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const folded = word.toLowerCase()
  const best = [...known]
    .map((candidate) => ({ candidate, cost: distance(folded, candidate.toLowerCase()) }))
    .sort((a, b) => a.cost - b.cost)[0]
  return best && best.cost <= Math.max(1, word.length / 3) ? ` Did you mean "${best.candidate}"?` : ''
}

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    // One text that stands for a list of one has no members of its own.
    if (typeof value === 'string') return value
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  }
  return value
}

type Issue = z.core.$ZodIssue

/** What would have been right, in words; our own descriptions say it themselves. */
function expectedBy(issue: Issue): string {
  if (!/^(Invalid|Too) /.test(issue.message)) return issue.message
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1)
    return 'expected a text that is not empty'
  if (issue.code === 'too_small' && isAmount(issue.origin))
    return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  if (issue.code === 'too_big' && isAmount(issue.origin))
    return `expected ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  return issue.message.replace(/^(Invalid \w+|Too \w+): /, '').replace(/, received .*$/, '')
}

const isAmount = (origin: string) => origin === 'number' || origin === 'int'

function meantBy(issue: Issue, value: unknown): string {
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return ''
  const meant = didYouMean(value, issue.values.map(String))
  return meant ? `.${meant}` : ''
}

/** All that is wrong with `input`, or the checked options with their defaults filled in. */
export function checkOptions<S extends OptionSchema>(
  schema: S,
  input: unknown,
): { options: z.output<S>; problems: [] } | { options: undefined; problems: Problem[] } {
  const result = schema.safeParse(input ?? {})
  if (result.success) return { options: result.data, problems: [] }
  const problems = result.error.issues.flatMap((issue): Problem[] => {
    const path = issue.path as (string | number)[]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown option.${didYouMean(key, Object.keys(schema.shape)) || ` Known are: ${Object.keys(schema.shape).join(', ')}.`}`,
      }))
    }
    const value = valueAt(input, issue.path)
    if (value === undefined) return [{ path, message: 'is required' }]
    return [{ path, message: `${expectedBy(issue)}, got ${show(value)}${meantBy(issue, value)}` }]
  })
  return { options: undefined, problems }
}

/**
 * The checked options with their defaults filled in.
 * @throws OPTIONS_INVALID naming every problem at once.
 */
export function parseOptions<S extends OptionSchema>(schema: S, input: unknown, where: string): z.output<S> {
  const { options, problems } = checkOptions(schema, input)
  if (options) return options
  const told = problems.map((problem) => `${problem.path.join('.') || 'options'}: ${problem.message}`)
  throw new EventstormError('OPTIONS_INVALID', `${where}: ${told.join('; ')}`)
}
