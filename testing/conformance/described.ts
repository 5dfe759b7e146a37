import assert from 'node:assert/strict'
import {
  type AnyDefinition,
  ERRORS,
  EventstormError,
  isTypeName,
  listOptions,
  optionsTable,
  parseOptions,
  readHint,
  receiverOptions,
  show,
  sinkOptions,
} from '../../lib/index.js'
import { heldAtRest, moreThan } from '../held.js'
import type { Check } from './check.js'
import type { Scene } from './conformance.js'

export interface Describable {
  definition: AnyDefinition
  begin(): Scene | Promise<Scene>
  refused?: Record<string, unknown>[]
}

/** What every definition has to hold, whatever its kind. */
export function describedChecks({ definition, begin, refused = [] }: Describable): Check[] {
  const { name, kind } = definition
  const inScene = async (body: (options: Record<string, unknown>) => void | Promise<void>) => {
    const scene = await begin()
    try {
      await body(scene.options)
    } finally {
      await scene.end?.()
    }
  }
  return [
    { name: `${kind} ${name} is described`, run: async () => checkDescription(definition) },
    {
      name: `${kind} ${name} refuses what it cannot do, with a code and in a sentence`,
      run: () =>
        inScene((options) => {
          for (const given of [{ ...options, noSuchOption: 1 }, ...refused]) {
            assert.throws(
              () => definition.create(parseOptions(definition.options, given, name)),
              (error) => isGoodRefusal(error, given),
              `expected ${JSON.stringify(given)} to be refused`,
            )
          }
        }),
    },
    {
      name: `${kind} ${name} is made without opening anything`,
      run: () =>
        inScene(async (options) => {
          const given = parseOptions(definition.options, options, name)
          // What was opened before is given back some time after, by threads of its own.
          const before = await heldAtRest()
          for (let i = 0; i < 3; i++) definition.create(given)
          assert.deepEqual(
            moreThan(before),
            {},
            '`eventstorm check` calls create() too; things are opened in open()',
          )
        }),
    },
  ]
}

function checkDescription(definition: AnyDefinition): void {
  const { name, summary, kind } = definition
  assert.match(name, /^[a-z][a-z0-9-]*$/, 'the name is a word on the command line')
  assert.match(summary, /^\S.*\.$/, 'the summary is a sentence')
  for (const option of listOptions(definition.options)) {
    assert.match(option.description, /\.$/, `the option ${option.name} is described by a sentence`)
  }
  assert.ok(optionsTable(definition.options).startsWith('| option |'))
  if (kind === 'source') {
    assert.ok(definition.types.length > 0, 'a source names the types of its events')
    for (const type of definition.types) assert.ok(isTypeName(type), `${show(type)} is the name of a type`)
    for (const [type, hint] of Object.entries(definition.hints ?? {})) {
      assert.ok(definition.types.includes(type), `the hint for ${type} is for a type of this source`)
      assert.ok(readHint(hint), `the hint for ${type} is one`)
    }
  }
  if (kind === 'sink') {
    for (const [option, value] of Object.entries(definition.defaults ?? {})) {
      assert.ok(Object.hasOwn(sinkOptions.shape, option), `${option} is an option of the framework`)
      assert.ok(sinkOptions.safeParse({ [option]: value }).success, `${option} can be ${value}`)
    }
    const own = Object.keys(definition.options.shape)
    const shared = own.filter((option) => Object.hasOwn(receiverOptions.shape, option))
    assert.deepEqual(shared, [], 'options of the framework have their own names')
  }
}

function isGoodRefusal(error: unknown, given: Record<string, unknown>): boolean {
  assert.ok(
    error instanceof EventstormError,
    `expected an EventstormError for ${JSON.stringify(given)}, got ${error}`,
  )
  assert.ok(error.code in ERRORS, `${error.code} is a code`)
  assert.ok(error.message.length > 0 && error.message.length < 1000, `short enough: ${error.message}`)
  assert.doesNotMatch(error.message, /\n/, 'it is one line')
  return true
}
