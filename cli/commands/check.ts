import { addExamples, createCommand } from '../create-command.js'
import { loadPipeline, type Pipeline, SECTIONS } from '../pipeline.js'

export const checkCommand = () =>
  addExamples(
    createCommand('check')
      .description('Check a pipeline file: every problem at once, each with its place. Opens nothing.')
      .argument('<file>', 'a pipeline file (YAML)')
      .action(async (file: string) => {
        process.stdout.write(`${file}: ok (${count(await loadPipeline(file))})\n`)
      }),
    [['eventstorm check pipeline.yaml', 'ends with 0 when it is good, with 78 when not']],
  )

/** `1 router, 2 sources, 1 sink` */
function count({ parts }: Pipeline): string {
  return Object.values(SECTIONS)
    .map((kind) => ({ kind, count: parts.filter((part) => part.definition.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}${count === 1 ? '' : 's'}`)
    .join(', ')
}
