import { addExamples, createCommand } from '../grammar/create-command.js'
import { pipelineSchema } from '../pipeline/pipeline-schema.js'

export const schemaCommand = () =>
  addExamples(
    createCommand('schema')
      .description('Print the JSON Schema of a pipeline file, for editors.')
      .action(async () => {
        process.stdout.write(`${JSON.stringify(await pipelineSchema(), null, 2)}\n`)
      }),
    [
      [
        'eventstorm schema > pipeline.schema.json',
        'then begin a file with: # yaml-language-server: $schema=pipeline.schema.json',
      ],
    ],
  )
