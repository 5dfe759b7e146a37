/** Graphs that go back further than the page's server, over a real store and in a real browser. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { attach, EventSource } from '../lib/index.js'
import segments from '../sinks/segments/segments.js'
import { launch, open, withoutChromium } from '../sinks/websocket/fixtures/chromium.js'
import { LiveServer } from '../sinks/websocket/fixtures/live.js'
import { freeEndpoint, until } from '../testing/index.js'

const HOUR = 3_600_000
const DAYS = 6

describe('the page with a store', { skip: withoutChromium() }, () => {
  let folder: string
  let browser: Browser
  let live: LiveServer
  /** Begin of the hour that the events of six days end with. */
  const hour = Math.floor(Date.now() / HOUR - 2) * HOUR

  before(async () => {
    browser = await launch()
    folder = await mkdtemp(join(tmpdir(), 'eventstorm-past-'))
    const component = segments.create(segments.options.parse({ path: folder }))
    await using sink = await attach(component, { bind: [freeEndpoint('inproc')] })
    await using source = new EventSource({ source: 'shop', connect: [...sink.endpoints] })
    await source.subscribed('order.placed', { timeout: 15_000 })
    // The further back, the fewer, so that every hour has a number of its own.
    let sent = 0
    for (let ago = 0; ago < DAYS * 24; ago++) {
      for (let i = 0; i < 200 - ago; i++, sent++) {
        const time = new Date(hour - ago * HOUR + i * 10_000)
        source.emit(
          'order.placed',
          { took_ms: ago + 1, country: i % 4 ? 'de' : 'at', token: 'never shown', at: '/?token=nor-this' },
          { time },
        )
      }
    }
    await until('the store has them', () => sink.counters().written === sent, 60_000)
    await source.close()
    await sink.close()
    live = await LiveServer.start({ store: `segments:${folder}` }, undefined, {
      openStore: (store: string) => segments.reader!(store),
    })
    await live.source.subscribed('order.placed', { timeout: 5000 })
    live.traffic(20, (count) => ({
      type: 'order.placed',
      data: { took_ms: 5 + (count % 3), country: count % 2 ? 'de' : 'at' },
    }))
  })

  after(async () => {
    await live[Symbol.asyncDispose]()
    await browser.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('a week is shown from the store, a zoom into it asks for more, and live is live again', async () => {
    const { page, problems, shoot } = await open(browser, live.url)
    const card = page.locator('[data-type="order.placed"]')
    await card.locator('.chart canvas').first().waitFor()
    assert.equal(await card.locator('.stored').count(), 0, 'what is live does not come from the store')
    await page.click('.choice button:text-is("7d")')
    await card.locator('.stored', { hasText: 'from the store, by 30 min' }).waitFor()
    const area = card.locator('.u-over').first()
    await shoot('store-week')

    await card.locator('button[title="Show as table"]').click()
    const rows = async () =>
      Promise.all(
        (await card.locator('tbody tr').all()).map((row) => row.locator('th, td').allTextContents()),
      )
    const at = (time: number) => rows().then((all) => all.find(([text]) => Date.parse(text!) === time))
    // The half hour of 180 events, one each ten seconds, and the time that each took.
    await until('the table has it', async () => (await at(hour)) !== undefined)
    const [, rate, p50] = (await at(hour))!
    assert.deepEqual([rate, p50], ['0.1 /s', '1 ms'])
    assert.deepEqual((await at(hour - 5 * HOUR))!.slice(1, 3), ['0.1 /s', '6 ms'])
    await card.locator('button[title="Show as table"]').click()

    await area.waitFor()
    const { x, y, width } = (await area.boundingBox())!
    await page.mouse.move(x + width * 0.5, y + 40)
    await page.mouse.down()
    await page.mouse.move(x + width * 0.53, y + 40, { steps: 4 })
    await page.mouse.up()
    await card.locator('.stored', { hasText: /from the store, by (30|60) s/ }).waitFor()
    assert.match(page.url(), /range=/)
    await shoot('store-zoom')
    await page.keyboard.press('2')
    await card.locator('.stored').waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('without a store there are no windows that need one', async () => {
    await using bare = await LiveServer.start()
    await bare.source.subscribed('a', { timeout: 5000 })
    bare.source.emit('a', 1)
    const { page, problems } = await open(browser, bare.url)
    await page.locator('[data-type="a"]').waitFor()
    assert.equal(await page.locator('.choice button:text-is("24h")').count(), 1)
    assert.equal(await page.locator('.choice button:text-is("7d")').count(), 0)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('what never leaves the server does not leave it by way of the store', async () => {
    const ask = (query: string) => fetch(new URL(`api/query?${query}`, live.url))
    for (const query of ['by=token', 'by=data.user.token', 'where=token=a', 'measure=max(token)']) {
      const answer = await ask(query)
      assert.deepEqual([answer.status, JSON.parse(await answer.text()).error.code], [403, 'FIELD_HIDDEN'])
    }
    const latest = await (await ask('latest=5')).text()
    assert.match(latest, /took_ms/)
    assert.doesNotMatch(latest, /never shown|nor-this/)
    assert.doesNotMatch(await (await ask('by=at&measure=count')).text(), /nor-this/)
  })
})
