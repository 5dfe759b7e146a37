/** What becomes of the page when the line, or whoever looks at it, is away for a while, or stays for long; in a real browser. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { EventSource } from '../../lib/index.js'
import { ControlledClock, freeEndpoint, until } from '../../testing/index.js'
import { numbers, open, withoutChromium } from './fixtures/chromium.js'
import { LiveServer } from './fixtures/live.js'
import { shopWindow } from './fixtures/shop-window.js'
import type { History, ServerFrame, ServerStatus } from './protocol.js'

/** The page's half minute until a tab that nobody sees rests takes 200 ms. */
const IMPATIENT = `{
  const wait = setTimeout
  globalThis.setTimeout = (call, time, ...rest) => wait(call, time === 30000 ? 200 : time, ...rest)
  let hidden = false
  Object.defineProperty(document, 'hidden', { get: () => hidden })
  globalThis.hide = (on) => { hidden = on; document.dispatchEvent(new Event('visibilitychange')) }
}`

/** While \`deaf\` no acknowledgement goes out; the last one does so afterwards. */
const DEAF = `{
  const send = WebSocket.prototype.send
  let kept
  WebSocket.prototype.send = function (text) {
    if (!globalThis.deaf || !text.includes('"ack"')) return send.call(this, text)
    kept = () => send.call(this, text)
  }
  globalThis.hear = () => { globalThis.deaf = false; kept() }
}`

/** Begins of the buckets in a card's table, oldest first, milliseconds. */
const times = async (page: Page) =>
  (await numbers(page, 'http.hit')).map(([time]) => new Date(time!).getTime()).reverse()

/** Seconds that are missing between the first and the last one. */
const holes = (all: number[]) => {
  const known = new Set(all)
  const missing: number[] = []
  for (let at = all[0]!; at < all.at(-1)!; at += 1000) if (!known.has(at)) missing.push(at)
  return missing
}

describe('a page that was away', { skip: withoutChromium() }, () => {
  const shop = shopWindow()

  const views = async () => {
    const status = (await (await fetch(new URL('api/status', shop.live.url))).json()) as ServerStatus
    return status.bounds.find(({ name }) => name === 'views')!.used
  }

  test('a tab that nobody sees gets no ticks, and fills in what it missed when it is seen again', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url, { script: IMPATIENT })
    await until('some seconds are drawn', async () => (await times(page)).length >= 3)
    assert.equal(await views(), 1)
    await page.evaluate('hide(true)')
    await until('it rests', async () => (await views()) === 0)
    const { received, ticksSent } = shop.live.counters()
    await until('four seconds go by', () => shop.live.counters().received > received + 150, 60_000)
    assert.equal(shop.live.counters().ticksSent, ticksSent, 'nothing was told meanwhile')
    const newest = (await times(page)).at(-1)!
    assert.ok(newest < Date.now() - 2000, 'the picture stands still')
    await page.evaluate('hide(false)')
    await until('it goes on', async () => (await times(page)).at(-1)! > newest + 4000)
    await until('nothing is missing', async () => holes(await times(page)).length === 0)
    assert.equal(await views(), 1)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('ticks that were skipped are a gap in the graph until it has been filled', async () => {
    const { page, problems, shoot } = await open(shop.browser, `${shop.live.url}#window=60`, {
      script: DEAF,
    })
    await until('some seconds are drawn', async () => (await times(page)).length >= 3)
    // Nothing can be filled in for now.
    await page.route('**/api/history?*', (route) => route.abort())
    await page.evaluate('deaf = true')
    const { ticksSkipped, received } = shop.live.counters()
    await until('ticks are skipped', () => Number(shop.live.counters().ticksSkipped) > Number(ticksSkipped))
    await until('for five seconds', () => shop.live.counters().received > received + 240, 60_000)
    await page.evaluate('hear()')
    await until('it goes on, with a hole', async () => holes(await times(page)).length >= 3)
    await page.locator('[data-type="http.hit"] button[title="Show as table"]').click()
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    // The band is over the ground, below the line at the bottom: seen in a row of pixels where else nothing is. One of
    // several, since by the scale of the moment a line of the grid may lie in any of them.
    const grey = `(() => {
      const canvas = document.querySelector('[data-type="http.hit"] .chart canvas')
      const counts = [14, 16, 18].map((row) => {
        const { data } = canvas.getContext('2d').getImageData(0, row, canvas.width, 1)
        let count = 0
        // Areas below lines are as transparent, and blue.
        for (let i = 3; i < data.length; i += 4) if (data[i] === 0x26 && data[i - 1] - data[i - 3] < 80) count++
        return count
      })
      return Math.max(...counts)
    })()`
    await until('it is drawn', async () => Number(await page.evaluate(grey)) >= 10)
    await shoot('gap')
    await page.unroute('**/api/history?*')
    await until('it is filled', async () => holes(await times(page)).length === 0, 45_000)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('what was before reaches up to the first tick', async () => {
    const clock = new ControlledClock()
    const endpoint = freeEndpoint('inproc')
    const source = new EventSource({ source: 'web-1', bind: [endpoint], clock })
    await using still = await LiveServer.start({}, { endpoint, source }, { clock })
    await source.subscribed('http.hit', { timeout: 15_000 })
    const second = async (ms: number) => {
      const { written } = still.counters()
      source.emit('http.hit', { took_ms: 10 })
      await until('it has come', () => still.counters().written > written)
      await clock.advance(ms)
    }
    for (let sent = 0; sent < 10; sent++) await second(1000)
    await clock.advance(200)
    const { page, problems } = await open(shop.browser, 'about:blank')
    const told: number[] = []
    let viewed = false
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const frame = JSON.parse(String(payload)) as ServerFrame
        if (frame.f === 'view') viewed = true
        if (frame.f === 't') told.push(...frame.buckets.map(({ t }) => t))
      }),
    )
    const answered = page.waitForResponse(/api\/history/)
    await page.goto(still.url)
    const history = (await (await answered).json()) as History
    assert.equal(history.to, Math.floor(clock.now() / 1000) * 1000, 'it ends where the present second begins')
    await until('ticks will come', () => viewed)
    await second(1250)
    await until('a tick came', () => told.length > 0)
    assert.ok(told[0]! <= history.to, `from ${history.to} to ${told[0]} nothing is known`)
    await until('it is drawn', async () => (await times(page)).at(-1) === history.to)
    await until('nothing is missing', async () => holes(await times(page)).length === 0)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('nothing piles up in a page that is left open', async () => {
    const { page, problems } = await open(shop.browser, `${shop.live.url}#rate=4`)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    const devtools = await page.context().newCDPSession(page)
    const after = async (ticks: number) => {
      const sent = Number(shop.live.counters().ticksSent)
      await until('ticks were sent', () => Number(shop.live.counters().ticksSent) >= sent + ticks, 120_000)
      await devtools.send('HeapProfiler.collectGarbage')
      const { usedSize } = await devtools.send('Runtime.getHeapUsage')
      return { ...(await devtools.send('Memory.getDOMCounters')), usedSize }
    }
    const early = await after(30)
    const later = await after(60)
    const text = JSON.stringify([early, later])
    // The list and the legends change all the time, but not how many there are of their parts.
    assert.ok(later.nodes - early.nodes < 300, text)
    assert.ok(later.jsEventListeners - early.jsEventListeners < 60, text)
    assert.ok(later.usedSize - early.usedSize < 4e6, text)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('hints that come late change the cards that are there', async () => {
    await using late = await LiveServer.start()
    await late.source.subscribed('disk.usage', { timeout: 15_000 })
    late.traffic(20, (count) => ({
      type: 'disk.usage',
      data: { mount: ['/', '/home'][count % 2], fill: 40 + 30 * (count % 2) },
    }))
    const { page, problems, shoot } = await open(shop.browser, late.url)
    const card = page.locator('[data-type="disk.usage"]')
    await card.locator('.chart canvas').first().waitFor()
    assert.equal(await card.locator('h2').textContent(), 'disk.usage')
    assert.equal(await card.locator('.legend-name').count(), 0)
    late.source.describe('disk.usage', {
      title: 'Disks',
      key: ['mount'],
      fields: { fill: { title: 'Fill', unit: '%', kind: 'gauge', warn: 80 } },
    })
    await until('the title is there', async () => (await card.locator('h2').textContent()) === 'Disks')
    for (const key of ['/', '/home']) {
      await card
        .locator('.legend-name', { hasText: new RegExp(`^${key}$`) })
        .first()
        .waitFor()
    }
    const fill = card.locator('figure', { hasText: 'Fill' })
    await until('both have their value', async () =>
      /40%.*70%/.test((await fill.locator('.legend').textContent()) ?? ''),
    )
    await until(
      'each has a graph',
      async () => (await card.locator('figure canvas').count()) === (await card.locator('figure').count()),
    )
    await shoot('late-hint')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('a graph whose lines become fewer is drawn with those that it has until it is made anew', async () => {
    await using late = await LiveServer.start()
    await late.source.subscribed('job.done', { timeout: 15_000 })
    late.traffic(20, (count) => ({
      type: 'job.done',
      data: { red: 40 + (count % 7), blue: 90 + (count % 5) },
    }))
    // Pictures are drawn by frames; what follows a change of the page comes some of them later here.
    const script = '{ const soon = setTimeout; setTimeout = (call, ms) => soon(call, ms || 700) }'
    const { page, problems } = await open(shop.browser, late.url, { script })
    const card = page.locator('[data-type="job.done"]')
    const both = card.locator('figure', { hasText: 'red, blue' })
    await both.locator('canvas').waitFor()
    late.source.describe('job.done', {
      fields: { red: { title: 'Red', unit: 'mm' }, blue: { title: 'Blue', unit: 'kg' } },
    })
    for (const title of ['Red', 'Blue'])
      await card.locator('figure', { hasText: title }).locator('canvas').waitFor()
    await both.waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('a day is drawn by ten seconds', async () => {
    const end = Math.floor(Date.now() / 10_000) * 10_000
    const clock = new ControlledClock(end - 7_200_000)
    const endpoint = freeEndpoint('inproc')
    const source = new EventSource({ source: 'web-1', bind: [endpoint], clock })
    await using day = await LiveServer.start({}, { endpoint, source }, { clock })
    await source.subscribed('http.hit', { timeout: 15_000 })
    for (let sent = 0; clock.now() < end; sent++) {
      source.emit('http.hit', { took_ms: 10 })
      await until('it has come', () => day.counters().written > sent)
      await clock.advance(5000)
    }
    const { page, problems, shoot } = await open(shop.browser, `${day.url}#window=86400`)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    await shoot('day')
    await until('the table is full', async () => (await times(page)).length >= 50)
    const rows = await numbers(page, 'http.hit')
    const begins = rows.map(([time]) => new Date(time!).getTime())
    assert.ok(
      begins.slice(1).every((time, i) => begins[i]! - time === 10_000),
      String(begins.slice(0, 5)),
    )
    assert.ok(
      rows.slice(1, -1).every(([, rate, p50]) => rate === '0.2 /s' && p50 === '10 ms'),
      JSON.stringify(rows.slice(0, 4)),
    )
    assert.deepEqual(problems, [])
    await page.context().close()
  })
})
