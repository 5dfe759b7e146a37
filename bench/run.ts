/** `npm run bench -- [--quick] [--compare <revision>] [name ...]`: runs benches, one after the other. See `--help`. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare } from './compare.js'
import { BENCHES } from './questions.js'

const HELP = `usage: npm run bench -- [--quick] [--compare <revision>] [name ...]

${Object.entries(BENCHES)
  .map(([name, question]) => `  ${name.padEnd(12)}${question}`)
  .join('\n')}

Without a name all of them run. Each verifies what arrived, prints a table and writes bench/results/<name>.json, from
which npm run bench:report makes docs/BENCHMARKS.md.

  --quick               everything small: shows that the benches work, the figures mean nothing
  --compare <revision>  also builds this revision of git, with the benches of this one, and runs both in turns: the
                        ratios of the medians of each row; BENCH_TURNS, 3 by default, is how often
`

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { help: { type: 'boolean' }, quick: { type: 'boolean' }, compare: { type: 'string' } },
    })
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`)
    process.exit(2)
  }
}

const { positionals, values } = options()
if (values.help) {
  console.log(HELP)
  process.exit()
}
const unknown = positionals.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  console.error(`expected names of benches, got ${unknown.join(', ')}\n\n${HELP}`)
  process.exit(2)
}
if (values.quick) process.env.BENCH_QUICK = '1'
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)
if (values.compare) {
  process.exitCode = await compare(values.compare, names)
} else {
  for (const name of names) {
    const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
    const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit' })
    // One that fails does not keep the others from running.
    if (status !== 0) {
      console.error(`bench ${name} ended with ${status}`)
      process.exitCode = 1
    }
  }
}
