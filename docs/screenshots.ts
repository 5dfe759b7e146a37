import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pause, systemClock } from '../lib/index.js'
import { freePorts } from '../servers/index.js'
import { launch, open } from '../sinks/websocket/fixtures/chromium.js'
import { until } from '../testing/index.js'
import { ROOT } from './tables.js'
import { lastScreen, terminalSvg } from './terminal.js'
import { here, Shell } from './transcript.js'

/*
 * The pictures in README.md: a real bus with traffic, its page in a real browser, and what `top` draws on a real terminal.
 * `npm run screenshots`. They are kept with the documents, since who reads README.md where the package is shown has nothing
 * to make them with. What the machine is called in them is what it is called: `unshare --uts` gives it another name.
 */

const IMAGES = fileURLToPath(new URL('docs/images/', ROOT))
const SAMPLE = fileURLToPath(new URL('sources/nginx/samples/access.log', ROOT))
/** Long enough for the page's window, and for reports to tell who is dead. */
const TRAFFIC = 62_000
const COLUMNS = 120

const names = ['5555', '5556', '8080', '27017']
const free = await freePorts(names.length)
const ports = new Map(names.map((name, i) => [name, free[i]!]))
const url = `http://127.0.0.1:${ports.get('8080')}`

await using shell = await Shell.open()
const run = (command: string) => shell.run(here(command, ports))
/** What a program shows on a terminal. */
async function onTerminal(command: string, seconds: number): Promise<string[]> {
  await run(`cat > show.sh <<'END'
stty cols ${COLUMNS} rows 40
${here(command, ports)}
END`)
  await run(
    `env -u NO_COLOR TERM=xterm-256color timeout -s INT ${seconds} script -qec 'sh show.sh' screen.txt < /dev/null > /dev/null`,
  )
  const output = await readFile(join(shell.folder, 'screen.txt'), 'utf8')
  const shown = output.replace(/^Script started.*\n/, '').replace(/\n?Script done.*\n?$/, '')
  const asDefault = [...ports].reduce(
    (text, [name, port]) => text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${name}`),
    shown,
  )
  return lastScreen(asDefault)
}

await mkdir(IMAGES, { recursive: true })
await run('eventstorm router &')
// A sink that asks before the router is there asks again a second later, and what is sent until then is lost to it.
await pause(systemClock, 2000)
await run('eventstorm sink websocket --name graphs --port 8080 &')
await run('eventstorm sink stdout --name archive > archive.ndjson & archive=$!')
await run('eventstorm sink mongodb --url mongodb://127.0.0.1:27017/shop --name store --queue-events 1000 &')
const status = () =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
await until('the page is there', status, 60_000)
await run(`eventstorm source nginx --file ${SAMPLE} --replay 40 --source shop/nginx & nginx=$!`)
await run('eventstorm source system --interval 1s --only cpu --source shop/system & system=$!')
await pause(systemClock, TRAFFIC)

const browser = await launch()
for (const colorScheme of ['light', 'dark'] as const) {
  const { page } = await open(browser, `${url}/#window=60`, {
    viewport: { width: 1200, height: 900 },
    colorScheme,
  })
  await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
  await pause(systemClock, 4000)
  await page.screenshot({ path: join(IMAGES, `page-${colorScheme}.png`) })
}
await browser.close()

await writeFile(
  join(IMAGES, 'top.svg'),
  terminalSvg(await onTerminal('eventstorm top', 12), 'eventstorm top'),
)
// A sink that stands still, as the machine below it might, and an end, so that nothing is under way.
await run('(sleep 4; kill -STOP $archive; sleep 4; kill $nginx $system) &')
const audit = await onTerminal('eventstorm top --audit --count 20', 50)
await writeFile(join(IMAGES, 'top-audit.svg'), terminalSvg(audit, 'eventstorm top --audit'))
