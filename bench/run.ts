/** `npm run bench -- [name ...]`: runs the named benches, or all of them, one after the other. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BENCHES = ['throughput', 'latency', 'codec', 'parse', 'follow', 'stores', 'segments', 'websocket']

const names = process.argv.slice(2)
const unknown = names.filter((name) => !BENCHES.includes(name))
if (unknown.length > 0 || names.includes('--help')) {
  console.error(
    `usage: npm run bench -- [${BENCHES.join('|')}] ...   (got ${unknown.join(', ') || '--help'})`,
  )
  process.exit(2)
}
for (const name of names.length > 0 ? names : BENCHES) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url))], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
