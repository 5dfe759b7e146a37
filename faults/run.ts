/**
 * The fault suite: `npm run faults -- [--long] [--seed N] [--only text] [--docs]`. Prints a row for each scenario, and
 * fails when one does not add up. `--docs` puts the table into docs/FAULTS.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { markdown } from './markdown.js'
import { type Played, play } from './play.js'
import { scenarios } from './scenarios.js'

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
console.log(`seed ${seed}${values.long ? ', long' : ''}`)

const played: Played[] = []
const skipped: string[] = []
for (const scenario of scenarios.filter(({ name }) => name.includes(values.only))) {
  const why = scenario.unable?.()
  if (why !== undefined) {
    skipped.push(`SKIPPED ${scenario.name}: ${why}`)
    console.log(skipped.at(-1))
    continue
  }
  const result = await play(scenario, seed, values.long)
  played.push(result)
  console.log(JSON.stringify(result))
}
const document = markdown(played, skipped)
console.log(`\n${document}`)
if (values.docs) {
  const page = new URL('../../docs/FAULTS.md', import.meta.url)
  const made = `With seed ${seed}${values.long ? ', long' : ''}:\n\n${document}`
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(
      /<!-- run -->[\s\S]*<!-- \/run -->/,
      () => `<!-- run -->\n\n${made}\n\n<!-- /run -->`,
    ),
  )
}
const wrong = played.filter(({ balance, fault }) => balance !== 0 || fault !== undefined)
for (const { scenario, balance, fault } of wrong)
  console.error(`FAILED ${scenario}: balance ${balance}${fault === undefined ? '' : `, ${fault}`}`)
process.exit(wrong.length === 0 && played.length > 0 ? 0 : 1)
