import { Option } from 'commander'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { loadPipeline, type Pipeline, SECTIONS } from '../pipeline/pipeline.js'
import { planOf } from '../pipeline/plan.js'
import { planDot, planText } from '../pipeline/plan-text.js'

export const checkCommand = () =>
  addExamples(
    createCommand('check')
      .description('Check a pipeline file: every problem at once, each with its place. Opens nothing.')
      .argument('<file>', 'a pipeline file (YAML)')
      .addOption(
        new Option('--graph [format]', 'Print which way events will go, and what is asked for on it.')
          .choices(['text', 'dot'])
          .preset('text'),
      )
      .action(async (file: string, { graph }: { graph?: 'text' | 'dot' }) => {
        const pipeline = await loadPipeline(file)
        const summary = `${file}: ok (${count(pipeline)})\n`
        const plan = planOf(pipeline.parts)
        if (graph === 'dot') process.stdout.write(planDot(plan, file))
        else process.stdout.write(graph ? `${summary}\n${planText(plan)}` : summary)
      }),
    [
      ['eventstorm check pipeline.yaml', 'ends with 0 when it is good, with 78 when not'],
      ['eventstorm check pipeline.yaml --graph', 'and which way its events will go'],
      ['eventstorm check pipeline.yaml --graph dot | dot -Tsvg > plan.svg', 'as a drawing, by Graphviz'],
    ],
  )

/** `1 router, 2 sources, 1 sink` */
function count({ parts }: Pipeline): string {
  return Object.values(SECTIONS)
    .map((kind) => ({ kind, count: parts.filter((part) => part.definition.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}${count === 1 ? '' : 's'}`)
    .join(', ')
}
