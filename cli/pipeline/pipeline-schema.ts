import { optionsJsonSchema } from '../../lib/index.js'
import { pipelineOptions } from '../grammar/process-options.js'
import { type Kind, resolveComponent, shipped } from '../resolve.js'
import { frameworkOptions } from './part.js'
import { SECTIONS } from './pipeline.js'

type Schema = Record<string, unknown>

const PLACEHOLDER = { type: 'string', pattern: '\\$\\{' }

/** JSON Schema (2020-12) of a pipeline file. Components that are not shipped are taken as they are. */
export async function pipelineSchema(): Promise<Schema> {
  const sections = await Promise.all(
    Object.entries(SECTIONS).map(async ([section, kind]) => [section, await sectionSchema(kind)] as const),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Eventstorm pipeline',
    type: 'object',
    properties: {
      ...Object.fromEntries(sections),
      ...withPlaceholders(optionsJsonSchema(pipelineOptions).properties),
    },
    additionalProperties: false,
  }
}

async function sectionSchema(kind: Kind): Promise<Schema> {
  const names = shipped(kind)
  const options = await Promise.all(names.map((name) => entrySchema(kind, name)))
  const uses = names.map((name, i) =>
    when({ type: 'object', properties: { use: { const: name } }, required: ['use'] }, options[i]!),
  )
  const byUse = { type: ['object', 'null'], properties: { use: useSchema(kind, names) }, allOf: uses }
  const unused = { not: { type: 'object', required: ['use'] } }
  // Without `use` the name of the entry says what it is; a router is the plain one, whatever its name.
  const byName = (schema: Schema) => ({ allOf: [byUse, when(unused, schema)] })
  const forward = kind === 'router' ? byName(options[names.indexOf('forward')]!) : undefined
  return {
    type: ['object', 'null'],
    description: `The ${kind}s, each under a name of your choice.`,
    properties: forward ? {} : Object.fromEntries(names.map((name, i) => [name, byName(options[i]!)])),
    additionalProperties: forward ?? { ...byUse, type: 'object', required: ['use'] },
  }
}

/** A condition and what holds under it. */
function when(condition: Schema, schema: Schema): Schema {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  return { if: condition, then: schema }
}

function useSchema(kind: Kind, names: string[]): Schema {
  return {
    description: `Which ${kind} it is: a shipped one, a path such as ./my-${kind}.js, or a package.`,
    anyOf: [{ enum: names }, { type: 'string' }],
  }
}

/** The options of one component, its own and the framework's. */
async function entrySchema(kind: Kind, name: string): Promise<Schema> {
  const definition = await resolveComponent(kind, name)
  const own = optionsJsonSchema(definition.options)
  const shared = optionsJsonSchema(frameworkOptions(definition))
  const properties = withPlaceholders({ ...shared.properties, ...own.properties })
  return {
    description: definition.summary,
    properties: { use: useSchema(kind, shipped(kind)), ...properties },
    required: own.required ?? [],
    additionalProperties: false,
  }
}

/** Every option may be a text with `${NAME}` in it, whatever it is in the end. */
function withPlaceholders(properties: Record<string, object>): Schema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, { ...schema }]) => {
      const { description, default: initial, argument: _, ...type } = schema as Schema
      return [
        name,
        {
          ...(description ? { description } : {}),
          ...(initial === undefined ? {} : { default: initial }),
          anyOf: [type, PLACEHOLDER],
        },
      ]
    }),
  )
}
