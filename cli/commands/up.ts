import { statSync } from 'node:fs'
import { EventstormError } from '../../lib/index.js'
import { checked } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { addFlags, readFlags } from '../grammar/flags.js'
import { pipelineOptions } from '../grammar/process-options.js'
import { greeting } from '../greeting.js'
import { loadPipeline, type Pipeline, readPipeline } from '../pipeline/pipeline.js'
import { quickStart } from '../quickstart.js'
import { runPipeline, type Started } from '../run/run-pipeline.js'

export const upCommand = () => {
  const command = createCommand('up')
    .description('Run all components of a pipeline file in one process; without a file, the quick start.')
    .argument('[file]', 'a pipeline file (YAML); see eventstorm schema')
    .action(async (file: string | undefined) => {
      // Only what was typed goes before the file; the file goes before the defaults.
      const flags = readFlags(command, pipelineOptions)
      const given = checked(pipelineOptions, flags)
      const typed = Object.fromEntries(
        Object.keys(flags).map((key) => [key, given[key as keyof typeof given]]),
      )
      const read = async (): Promise<Pipeline> => {
        const { parts, settings } = file === undefined ? await quickPipeline() : await loadPipeline(file)
        return { parts, settings: { ...settings, ...typed } }
      }
      try {
        // A quick start has no file that could have changed.
        const again = async () => {
          refusePipe(file!)
          return read()
        }
        const reread = file === undefined ? undefined : again
        await runPipeline(await read(), { greet: greeter(file), reread })
      } catch (error) {
        throw file === undefined ? explainQuickStart(error) : error
      }
    })
  addFlags(command, 'Options:', pipelineOptions)
  return addExamples(command, [
    ['eventstorm up', "the quick start: this machine's own events, to the terminal"],
    ['eventstorm check pipeline.yaml', 'every problem of a file, with its place'],
    ['eventstorm up pipeline.yaml --metrics 9464', 'run it, and serve /metrics, /livez and /readyz'],
  ])
}

/** A pipe in its place would be waited for, and everything with it. */
function refusePipe(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFIFO())
    throw new EventstormError('PIPELINE_INVALID', `expected a pipeline file at ${file}, got a pipe`)
}

async function quickPipeline(): Promise<Pipeline> {
  const { pipeline, faults } = await readPipeline(quickStart())
  if (pipeline) return pipeline
  throw new EventstormError(
    'PIPELINE_INVALID',
    `the quick start: ${faults.map((each) => each.message).join('; ')}`,
  )
}

function greeter(file: string | undefined): ((started: readonly Started[]) => void) | undefined {
  // Whoever collects the log of a pipeline wants JSON alone; the quick start is for people.
  if (file !== undefined && !process.stderr.isTTY) return undefined
  const title = file === undefined ? 'Eventstorm, the quick start' : `Eventstorm, ${file}`
  // Whom npm started, npx finds; a shell does not.
  const program = process.env.npm_lifecycle_event === undefined ? 'eventstorm' : 'npx eventstorm'
  const next = `In another terminal: ${program} top, or ${program} tap 'http.**'. Ctrl-C ends it.\n`
  const more = `For components of your choice, write a pipeline file: ${program} up --help\n`
  return (started) => {
    const keeps = started.some(({ part }) => part.definition.name === 'segments')
    const ask = keeps
      ? `What it kept, now or later, from this folder: ${program} query --by type --every 1m\n`
      : 'To keep events too: npm install @duckdb/node-api\n'
    const lines = file === undefined ? `${next}${ask}${more}` : next
    process.stderr.write(`${greeting(title, started)}${lines}\n`)
  }
}

function explainQuickStart(error: unknown): unknown {
  if (!(error instanceof EventstormError) || error.code !== 'BIND_FAILED') return error
  const advice =
    'The quick start needs the default ports. If a router runs already, look at it with `eventstorm top` or `eventstorm tap`; otherwise write other endpoints into a pipeline file and run `eventstorm up <file>`'
  return new EventstormError('BIND_FAILED', `${error.message} ${advice}`, error)
}
