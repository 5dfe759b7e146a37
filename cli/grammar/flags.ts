import { type Command, Option } from 'commander'
import { listOptions, type OptionInfo, type OptionSchema, showDefault } from '../../lib/index.js'

/**
 * Flags derived from descriptions of options: the only code that knows how an option looks on the command
 * line. Values are handed on as the user wrote them, so that one check (and one sentence) serves flags, files
 * and code alike.
 */
export function addFlags(command: Command, heading: string, schema: OptionSchema): void {
  for (const option of listOptions(schema)) {
    for (const flag of toFlags(option)) command.addOption(flag.helpGroup(heading))
  }
}

function toFlags(option: OptionInfo): Option[] {
  const description = describe(option)
  if (option.kind !== 'boolean') {
    const flag = new Option(`${option.flag} <${option.argument}>`, description)
    if (option.kind === 'list') {
      flag.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
    }
    return [flag]
  }
  const off = option.flag.replace(/^--/, '--no-')
  if (option.default === true) return [new Option(off, description), new Option(option.flag).hideHelp()]
  const on = new Option(option.flag, description)
  // Without a default it is the component that decides, so both answers must be sayable.
  return option.default === undefined ? [on, new Option(off, 'The contrary.')] : [on]
}

function describe(option: OptionInfo): string {
  const choices = option.choices ? ` One of ${option.choices.join(', ')}.` : ''
  return `${option.description}${choices}${showFlagDefault(option)}`
}

function showFlagDefault(option: OptionInfo): string {
  if (option.required) return ' (required)'
  if (option.kind === 'boolean') return option.default === true ? ' (default: on)' : ''
  const shown = showDefault(option)
  return shown === 'none' ? '' : ` (default: ${shown})`
}

/** What the user gave, by the names of the options; nothing for what was left out. */
export function readFlags(command: Command, schema: OptionSchema): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const option of listOptions(schema)) {
    if (command.getOptionValueSource(option.name) !== 'cli') continue
    given[option.name] = coerce(option, command.getOptionValue(option.name))
  }
  return given
}

/** A text as the kind of its option wants it; what does not fit is left for the check to complain about. */
export function coerce(option: OptionInfo, value: unknown): unknown {
  if (typeof value !== 'string') return value
  const text = value.trim()
  if (option.kind === 'number')
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : value
  if (option.kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : value
  if (option.kind === 'object') return parseJson(value)
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** `fromStart` as the user knows it: `--from-start`. */
export function flagName(name: string | number): string {
  return `--${String(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
