import { reason } from '../../lib/index.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { KINDS, resolveComponent, shipped } from '../resolve.js'

export const componentsCommand = () =>
  addExamples(
    createCommand('components')
      .description('List the components that come with Eventstorm.')
      .action(async () => {
        const rows = await Promise.all(
          KINDS.toReversed().flatMap((kind) =>
            shipped(kind).map(async (name) => ({ kind, name, summary: await summaryOf(kind, name) })),
          ),
        )
        const width = Math.max(...rows.map(({ name }) => name.length))
        for (const { kind, name, summary } of rows) {
          process.stdout.write(`${kind.padEnd(6)}  ${name.padEnd(width)}  ${summary}\n`)
        }
      }),
    [['eventstorm components', '']],
  )

async function summaryOf(kind: (typeof KINDS)[number], name: string): Promise<string> {
  try {
    return (await resolveComponent(kind, name)).summary
  } catch (error) {
    return `(${reason(error)})`
  }
}
