/**
 * What the page costs a browser: 20 graphs of 5 lines with 3,600 points, 4 updates a second, all on the screen.
 * `npm run soak:page -- --minutes 10` prints the share of the main thread and the heap after collections, and fails when the
 * page takes more than 40 % or its heap grows.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { attach, EventSource } from '../lib/index.js'
import { launch, open } from '../sinks/websocket/fixtures/chromium.js'
import websocket from '../sinks/websocket/websocket.js'
import { ControlledClock, freeEndpoint } from '../testing/index.js'

const TYPES = 20
const FIELDS = 5
const EVERY = 10_000
const HOUR = 3_600_000
const MOST_BUSY = 0.4
/** Bytes an hour: a megabyte in ten minutes, as far as two of them tell. */
const MOST_GROWTH = 6e6

const { minutes } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } }).values
const seconds = Number(minutes) * 60

const say = (text: string) => process.stdout.write(`${text}\n`)

// The hour before is made by a clock that is run fast; from then on it keeps pace with the real one.
const clock = new ControlledClock(Date.now() - HOUR)
const endpoint = freeEndpoint('inproc')
const source = new EventSource({ source: 'load', bind: [endpoint], clock })
const component = websocket.create(websocket.options.parse({ port: 0 }))
const sink = await attach(component, { connect: [endpoint], clock })
const { url } = component as unknown as { url: string }
await source.subscribed('load.t0', { timeout: 5000 })

function emit(count: number): void {
  for (let type = 0; type < TYPES; type++) {
    const values = Array.from({ length: FIELDS }, (_, field) => [
      `v${field}`,
      10 * field + 10 * Math.sin((count + type) / (40 + field)) + 3 * Math.random(),
    ])
    source.emit(`load.t${type}`, Object.fromEntries(values))
  }
}

let count = 0
while (clock.now() < Date.now() - 1000) {
  emit(count++)
  await clock.advance(1000)
}
const pace = setInterval(() => {
  emit(count++)
  void clock.advance(Math.max(0, Date.now() - clock.now()))
}, 250)
say(`${sink.counters().received} events of an hour are there`)

const browser = await launch()
const opened = Array.from({ length: TYPES }, (_, type) => `opened=load.t${type}`).join('&')
const { page, problems } = await open(browser, `${url}#window=3600&rate=4&${opened}`, {
  viewport: { width: 1280, height: 5000 },
})
await page
  .locator('.chart canvas')
  .nth(TYPES - 1)
  .waitFor()
const devtools = await page.context().newCDPSession(page)
await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
await devtools.send('HeapProfiler.enable')

async function look() {
  await devtools.send('HeapProfiler.collectGarbage')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const read = (name: string) => metrics.find((each) => each.name === name)!.value
  return { at: performance.now() / 1000, busy: read('TaskDuration'), heap: read('JSHeapUsedSize') }
}

await sleep(5000)
const looks = [await look()]
for (let passed = EVERY; passed <= seconds * 1000; passed += EVERY) {
  await sleep(EVERY)
  const now = await look()
  const before = looks.at(-1)!
  const share = (100 * (now.busy - before.busy)) / (now.at - before.at)
  say(`${passed / 1000} s: main thread ${share.toFixed(1)} %, heap ${(now.heap / 1e6).toFixed(2)} MB`)
  looks.push(now)
}
const [first, last] = [looks[0]!, looks.at(-1)!]
const busy = (last.busy - first.busy) / (last.at - first.at)

/** Least squares, bytes a second; the first third is warming up. */
const settled = looks.slice(Math.floor(looks.length / 3))
const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length
const [at, heap] = [mean(settled.map((each) => each.at)), mean(settled.map((each) => each.heap))]
const slope =
  settled.reduce((sum, each) => sum + (each.at - at) * (each.heap - heap), 0) /
  settled.reduce((sum, each) => sum + (each.at - at) ** 2, 0)
say(
  `in all: main thread ${(busy * 100).toFixed(1)} %, heap ${((slope * 3600) / 1e6).toFixed(2)} MB an hour, ${problems.length} problems`,
)
await browser.close()
clearInterval(pace)
await sink.close()
await source.close()
if (busy > MOST_BUSY || slope * 3600 > MOST_GROWTH || problems.length > 0) process.exitCode = 1
