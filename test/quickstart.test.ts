/** What somebody sees who runs the quick start and opens its URL; in a real browser. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { Program } from '../cli/fixtures/program.js'
import { quickStart } from '../cli/quickstart.js'
import { freePorts } from '../servers/index.js'
import { launch, open, withoutChromium } from '../sinks/websocket/fixtures/chromium.js'
import { until } from '../testing/index.js'

describe('the first minute', { skip: withoutChromium() }, () => {
  test("behind the quick start's URL are this machine's graphs, filled back and moving", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'eventstorm-first-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    // As it comes, but for ports and a folder that others may have.
    const [sources, sinks] = await freePorts(2)
    const pipeline = parse(quickStart())
    pipeline.routers.router.bindSources = `tcp://127.0.0.1:${sources}`
    pipeline.routers.router.bindSinks = `tcp://127.0.0.1:${sinks}`
    for (const source of Object.values<Record<string, unknown>>(pipeline.sources))
      source.connect = `tcp://127.0.0.1:${sources}`
    for (const sink of Object.values<Record<string, unknown>>(pipeline.sinks))
      sink.connect = `tcp://127.0.0.1:${sinks}`
    Object.assign(pipeline.sinks.websocket, { port: 0, store: undefined })
    pipeline.sinks.segments = undefined
    pipeline.logLevel = 'info'
    const file = join(folder, 'first.yaml')
    await writeFile(file, stringify(pipeline))
    await using program = new Program(['up', file])
    const urlIn = () => /"url":"(http:[^"]+)"/.exec(program.stderr)?.[1]
    await until('the URL is told', () => urlIn() !== undefined, 30_000)
    const history = async () =>
      (await (await fetch(new URL('api/history?match=cpu.**&keys=0', urlIn()))).json()) as {
        series: { at: number[] }[]
      }
    await until(
      'the processor was looked at twice',
      async () => (await history()).series.some(({ at }) => at.length >= 2),
      60_000,
    )

    const browser = await launch()
    t.after(() => browser.close())
    const opened = performance.now()
    const { page, problems, shoot } = await open(browser, urlIn()!)
    const card = page.locator('.card[data-type="cpu.usage"]')
    await card.locator('.chart canvas').first().waitFor()
    const looks = () =>
      card
        .locator('.chart canvas')
        .first()
        .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())
    const first = await looks()
    await until('it moves', async () => (await looks()) !== first)
    t.diagnostic(`moving ${Math.round(performance.now() - opened)} ms after it was opened`)
    const cards = () => page.locator('.card[data-type]').count()
    await until('processor, memory and network have a card', async () => (await cards()) >= 3)
    assert.ok((await cards()) >= 3, 'processor, memory and network at least')
    await shoot('quick-start')
    assert.deepEqual(problems, [])
  })
})
