import { readFileSync } from 'node:fs'
import {
  type AnyDefinition,
  checkOptions,
  didYouMean,
  EventstormError,
  listOptions,
  type OptionInfo,
  reason,
  show,
} from '../../lib/index.js'
import { coerce } from '../grammar/flags.js'
import { type PipelineOptions, pipelineOptions } from '../grammar/process-options.js'
import { type Kind, resolveComponent } from '../resolve.js'
import { type Environment, expand } from './environment.js'
import { checkPart, frameworkOptions, type Part } from './part.js'
import { type Fault, type Path, PlacedYaml } from './places.js'
import { wiringFaults } from './wiring.js'

/** The maps of a pipeline file, and what stands in them. */
export const SECTIONS = { routers: 'router', sources: 'source', sinks: 'sink' } as const satisfies Record<
  string,
  Kind
>
type Section = keyof typeof SECTIONS

/** The router that an entry without `use` is, whatever its id. */
const DEFAULT_ROUTER = 'forward'

/** A part and where it stands in the file. */
export interface PlacedPart extends Part {
  path: Path
}

/** A checked pipeline: what to start, and the settings of the process. */
export interface Pipeline {
  parts: PlacedPart[]
  settings: PipelineOptions
}

/**
 * Reads and checks a pipeline file without opening anything.
 * @throws PIPELINE_INVALID with every problem and its place
 */
export async function loadPipeline(file: string, env: Environment = process.env): Promise<Pipeline> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new EventstormError(
      'PIPELINE_INVALID',
      `expected a pipeline file at ${file}: ${reason(error)}${unreadable(error)}`,
      error,
    )
  }
  const { pipeline, faults } = await readPipeline(text, env)
  if (pipeline) return pipeline
  throw new EventstormError(
    'PIPELINE_INVALID',
    [summary(file, faults), ...faults.map((each) => showFault(file, each))].join('\n'),
  )
}

/** What to do about a file that is there, and not for us. */
const unreadable = (error: unknown) =>
  (error as NodeJS.ErrnoException).code === 'EACCES'
    ? `; make it readable for the user that this runs as (uid ${process.getuid?.()})`
    : ''

function summary(file: string, faults: readonly Fault[]): string {
  return `${file} has ${faults.length === 1 ? 'a problem' : `${faults.length} problems`}`
}

/** `pipeline.yaml:4:9 sources.web.file: is required` */
function showFault(file: string, { line, column, path, message }: Fault): string {
  return `${file}:${line}:${column} ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`
}

/** All that is wrong with the text of a pipeline file, in the order of the file, or what it says. */
export async function readPipeline(
  text: string,
  env: Environment = process.env,
): Promise<{ pipeline: Pipeline; faults: [] } | { pipeline: undefined; faults: Fault[] }> {
  const reading = new Reading(new PlacedYaml(text), env)
  await reading.read()
  const faults = reading.faults.sort((a, b) => a.line - b.line || a.column - b.column)
  return faults.length === 0 && reading.settings
    ? { pipeline: { parts: reading.parts, settings: reading.settings }, faults: [] }
    : { pipeline: undefined, faults }
}

/** One pass over a file, collecting what is good and what is not. */
class Reading {
  readonly faults: Fault[]
  readonly parts: PlacedPart[] = []
  settings: PipelineOptions | undefined
  #yaml: PlacedYaml
  #env: Environment

  constructor(yaml: PlacedYaml, env: Environment) {
    this.#yaml = yaml
    this.#env = env
    this.faults = [...yaml.faults]
  }

  async read(): Promise<void> {
    if (this.faults.length > 0) return
    const file = this.#yaml.value ?? {}
    if (!isRecord(file)) {
      this.#complain([], `expected the maps ${Object.keys(SECTIONS).join(', ')}, got ${show(file)}`)
      return
    }
    const rest: Record<string, unknown> = {}
    let entries = 0
    for (const [key, value] of Object.entries(file)) {
      if (key in SECTIONS) entries += await this.#readSection(key as Section, value)
      else if (key in pipelineOptions.shape)
        rest[key] = this.#expand(
          [key],
          value,
          listOptions(pipelineOptions).find((each) => each.name === key),
        )
      else this.#unknownKey(key)
    }
    const { options, problems } = checkOptions(pipelineOptions, rest)
    this.settings = options
    for (const { path, message } of problems) this.#complain(path, message)
    if (entries === 0) this.#complain([], 'expected at least one router, source or sink, got none')
    for (const { path, message } of wiringFaults(this.parts)) this.#complain(path, message)
  }

  #unknownKey(key: string): void {
    const known = [...Object.keys(SECTIONS), ...Object.keys(pipelineOptions.shape)]
    const message = `a pipeline has no such part.${didYouMean(key, known) || ` Known are: ${known.join(', ')}.`}`
    this.#complain([key], message, 'key')
  }

  /** @returns how many entries there are, good or not */
  async #readSection(section: Section, value: unknown): Promise<number> {
    if (value === null) return 0
    if (!isRecord(value)) {
      this.#complain(
        [section],
        `expected a map of ${section}, each under a name of your choice, got ${show(value)}`,
      )
      return 1
    }
    const entries = Object.entries(value)
    for (const [id, entry] of entries) await this.#readEntry(section, id, entry ?? {})
    return entries.length
  }

  async #readEntry(section: Section, id: string, entry: unknown): Promise<void> {
    const path = [section, id]
    if (!isRecord(entry)) {
      this.#complain(path, `expected the options of a ${SECTIONS[section]}, got ${show(entry)}`)
      return
    }
    const kind = SECTIONS[section]
    const { use = kind === 'router' ? DEFAULT_ROUTER : id, ...given } = entry
    const definition = await this.#resolve(kind, path, use, 'use' in entry)
    if (definition === undefined) return
    const { options, broken } = this.#expandAll(path, given, definition)
    const { part, problems: all } = checkPart(definition, id, options)
    if (part) this.parts.push({ ...part, path })
    const problems = all.filter((each) => !broken.has(String(each.path[0])))
    for (const { path: inside, message, unknown } of problems) {
      this.#complain([...path, ...inside], message, unknown ? 'key' : 'value')
    }
  }

  async #resolve(kind: Kind, path: Path, use: unknown, said: boolean): Promise<AnyDefinition | undefined> {
    const place = said ? [...path, 'use'] : path
    if (typeof use !== 'string' || use === '') {
      this.#complain(place, `expected the name, path or package of a ${kind}, got ${show(use)}`)
      return undefined
    }
    try {
      return await resolveComponent(kind, use)
    } catch (error) {
      const hint = said ? '' : ' An entry says with `use` which component it is; without it, its name does.'
      this.#complain(place, reason(error) + hint, said ? 'value' : 'key')
      return undefined
    }
  }

  /** @returns the options with the environment put in, and the names of those where that failed */
  #expandAll(path: Path, given: Record<string, unknown>, definition: AnyDefinition) {
    const known = [...listOptions(frameworkOptions(definition)), ...listOptions(definition.options)]
    const info = new Map(known.map((each) => [each.name, each]))
    const options: Record<string, unknown> = {}
    const broken = new Set<string>()
    for (const [key, value] of Object.entries(given)) {
      const before = this.faults.length
      options[key] = this.#expand([...path, key], value, info.get(key))
      if (this.faults.length > before) broken.add(key)
    }
    return { options, broken }
  }

  /** A value with the environment put in; what came from there is text, and becomes what the option wants. */
  #expand(path: Path, value: unknown, option: OptionInfo | undefined): unknown {
    if (Array.isArray(value)) return value.map((each, i) => this.#expand([...path, i], each, undefined))
    if (typeof value !== 'string' || !value.includes('${')) return value
    const { text, problems } = expand(value, this.#env)
    for (const problem of problems) this.#complain(path, problem)
    return option ? coerce(option, text) : text
  }

  #complain(path: Path, message: string, point: 'key' | 'value' = 'value'): void {
    this.faults.push(this.#yaml.fault(path, message, point))
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
