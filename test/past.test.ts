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
    // A machine that was down for half an hour, and that counts what it has served.
    for (let i = 0; i < 360; i++, sent++) {
      const time = new Date(hour - 5 * HOUR + i * 10_000)
      const health = i >= 180 ? 'down' : 'ok'
      source.emit('machine.report', { served: i * 50, health }, { time })
    }
    // And what nobody has done since.
    source.emit('backup.done', { took_s: 60 }, { time: new Date(hour - 2 * HOUR) })
    sent++
    await until('the store has them', () => sink.counters().written === sent, 60_000)
    await source.close()
    await sink.close()
    live = await LiveServer.start({ store: `segments:${folder}` }, undefined, {
      openStore: (store: string) => segments.reader!(store),
    })
    await live.source.subscribed('order.placed', { timeout: 15_000 })
    live.source.describe('machine.report', {
      fields: { served: { kind: 'counter' }, health: { kind: 'state' } },
    })
    live.traffic(2, (count) => ({ type: 'machine.report', data: { served: count, health: 'ok' } }))
    live.traffic(20, (count) => ({
      type: 'order.placed',
      data: { took_ms: 5 + (count % 3), country: count % 2 ? 'de' : 'at' },
    }))
  })

  after(async () => {
    await live?.stop()
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('a week is shown from the store, a zoom into it asks for more, and live is live again', async () => {
    const { page, problems, shoot } = await open(browser, live.url)
    const card = page.locator('[data-type="order.placed"]')
    await card.locator('.chart canvas').first().waitFor()
    assert.equal(await card.locator('.stored').count(), 0, 'what is live does not come from the store')
    await page.click('.choice button:text-is("7d")')
    await card.locator('.stored', { hasText: 'from the store, by 30 min, losses' }).waitFor()
    const area = card.locator('.u-over').first()
    await shoot('store-week')

    await card.locator('button[title="Show as table"]').click()
    const rows = async () =>
      Promise.all(
        (await card.locator('tbody tr').all()).map((row) => row.locator('th, td').allTextContents()),
      )
    const at = (time: number) => rows().then((all) => all.find(([text]) => Date.parse(text!) === time))
    // The half hour of 180 events, one each ten seconds, and the time that each took.
    let last: string[] | undefined
    let before: string[] | undefined
    await until('the table has both', async () => {
      last = await at(hour)
      before = await at(hour - 5 * HOUR)
      return last && before
    })
    assert.deepEqual(last!.slice(1, 3), ['0.1 /s', '1 ms'])
    assert.equal(last!.at(-1), 'not known', 'no store has what was lost')
    assert.deepEqual(before!.slice(1, 3), ['0.1 /s', '6 ms'])
    await card.locator('button[title="Show as table"]').click()

    await area.waitFor()
    const { x, y, width } = (await area.boundingBox())!
    await page.mouse.move(x + width * 0.5, y + 40)
    await page.mouse.down()
    await page.mouse.move(x + width * 0.53, y + 40, { steps: 4 })
    await page.mouse.up()
    await card.locator('.stored', { hasText: /from the store, by (30|60) s, losses not known/ }).waitFor()
    assert.match(page.url(), /range=/)
    await shoot('store-zoom')
    await page.keyboard.press('2')
    await card.locator('.stored').waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('what the server itself has seen of that time tells losses too', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { page, problems, shoot } = await open(browser, `${live.url}#range=${now - 600}-${now + 2}`)
    const card = page.locator('[data-type="order.placed"]')
    await card.locator('.stored', { hasText: /by 2 s, losses known since \d\d-\d\d \d\d:\d\d/ }).waitFor()
    await shoot('store-and-live')
    await card.locator('button[title="Show as table"]').click()
    const losses = async () => card.locator('tbody td:last-child').allTextContents()
    await until('of the newest it is known that nothing was lost', async () => (await losses())[0] === '')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('counters and states come from the store too', async () => {
    const range = [hour - 5 * HOUR, hour - 4 * HOUR].map((each) => each / 1000).join('-')
    const { page, problems, shoot } = await open(browser, `${live.url}#range=${range}`)
    const card = page.locator('[data-type="machine.report"]')
    await card.locator('.chart canvas').first().waitFor()
    await card.locator('.states').waitFor()
    await until('both states are drawn', async () => {
      const colours = (await card.locator('.states').evaluate((element) => {
        const canvas = element as unknown as {
          width: number
          getContext(kind: string): { getImageData(...box: number[]): { data: Uint8Array } }
        }
        const { data } = canvas.getContext('2d').getImageData(0, 2, canvas.width, 1)
        const seen: Record<string, number> = {}
        for (let i = 0; i < data.length; i += 4) {
          const colour = `${data[i]},${data[i + 1]},${data[i + 2]}`
          seen[colour] = (seen[colour] ?? 0) + 1
        }
        return Object.values(seen).filter((count) => count > canvas.width / 4)
      })) as number[]
      return colours.length === 2
    })
    await shoot('store-states')
    await card.locator('button[title="Show as table"]').click()
    // Ten seconds each, in which fifty were served.
    await until('the counter and the states are told', async () => {
      const rows = await Promise.all(
        (await card.locator('tbody tr').all())
          .slice(2, 30)
          .map((row) => row.locator('th, td').allTextContents()),
      )
      return rows.length > 20 && rows.every((row) => row.includes('5 /s') && row.includes('down'))
    })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('a type that only the store has is a strip that says so, and a graph when one looks back', async () => {
    const { page, problems, shoot } = await open(browser, live.url)
    const strip = page.locator('.strip[data-type="backup.done"]')
    await strip.getByText('none yet').waitFor()
    await shoot('silent-strip')
    await strip.locator('button').click()
    const card = page.locator('.card[data-type="backup.done"]')
    await card.getByText(/No event since this server started at .*; the store has the last one/).waitFor()
    await shoot('silent-card')
    await page.click('.choice button:text-is("24h")')
    await card.locator('.stored', { hasText: 'from the store' }).waitFor()
    await card.locator('.chart canvas').first().waitFor()
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('without a store there are no windows that need one', async () => {
    await using bare = await LiveServer.start()
    await bare.source.subscribed('a', { timeout: 15_000 })
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
