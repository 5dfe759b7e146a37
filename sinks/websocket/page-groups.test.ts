/** Types that are split by a key: a small graph for each of many, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Locator } from 'playwright-core'
import { until } from '../../testing/index.js'
import { launch, open, withoutChromium } from './fixtures/chromium.js'
import { LiveServer } from './fixtures/live.js'

const COUNTRIES = ['at', 'ch', 'de', 'dk', 'es', 'fr', 'it', 'nl', 'pl']

/** Orders from many countries, and from some more than from others. */
const ordering = (count: number) => {
  const at = Math.floor((count * 7919) % 45)
  const place = COUNTRIES.findIndex((_, i) => at < ((i + 1) * (i + 2)) / 2)
  return {
    type: 'order.placed',
    data: { country: COUNTRIES[place]!, took_ms: 20 + 9 * place + 12 * Math.sin(count / 40 + place) },
  }
}

/** Where the crosshairs of these graphs stand. */
const crosshairs = (graphs: Locator) =>
  graphs
    .locator('.u-cursor-x')
    .evaluateAll((lines) =>
      lines.map((line) => (line as unknown as { style: { transform: string } }).style.transform),
    )

describe('a card of many members', { skip: withoutChromium() }, () => {
  let browser: Browser
  let live: LiveServer
  before(async () => {
    browser = await launch()
    live = await LiveServer.start()
    live.source.describe('order.placed', {
      title: 'Orders',
      key: ['country'],
      fields: { took_ms: { title: 'Time to confirm', unit: 'ms', kind: 'duration' } },
    })
    await live.source.subscribed('order.placed', { timeout: 15_000 })
    live.traffic(90, ordering)
    await until('all countries came', () => live.counters().written > 500, 60_000)
  })
  after(async () => {
    await live?.stop()
    await browser?.close()
  })

  test('each has a small graph, and all have one crosshair', async () => {
    for (const [width, height, colorScheme] of [
      [1280, 900, 'light'],
      [1280, 900, 'dark'],
      [390, 844, 'light'],
    ] as const) {
      const { page, problems, inaccessible, shoot } = await open(browser, live.url, {
        viewport: { width, height },
        colorScheme,
      })
      const rates = page.locator('.multiples', { hasText: 'Events' }).first()
      await rates.locator('.member canvas').nth(1).waitFor()
      const names = () => rates.locator('.member .panel-title').allTextContents()
      await until('all are there', async () => (await names()).length >= COUNTRIES.length)
      assert.deepEqual(await names(), COUNTRIES)
      await until('each has its value', async () =>
        (await rates.locator('.member .legend b').allTextContents()).every((text) => /\d/.test(text)),
      )
      await rates
        .locator('.u-over')
        .first()
        .hover({ position: { x: 60, y: 20 } })
      await until('all crosshairs stand there', async () => {
        const all = (await crosshairs(rates)).slice(0, 2)
        return all.length === 2 && all.every((each) => each === all[0] && each.startsWith('translate(60px'))
      })
      await page.locator('.tooltip').waitFor()
      await shoot(`multiples-${width}-${colorScheme}`)
      assert.ok(
        Number(await page.evaluate('document.documentElement.scrollWidth')) <= width,
        'nothing sticks out',
      )
      assert.deepEqual(await inaccessible(), [])
      assert.deepEqual(problems, [])
      await page.context().close()
    }
  })

  test('they are brought together and apart by hand, and the address knows', async () => {
    const { page, problems } = await open(browser, live.url)
    const card = page.locator('[data-type="order.placed"]')
    await card.locator('.multiples').nth(1).waitFor()
    const button = card.getByRole('button', { name: 'A small graph for each line of Events' })
    assert.equal(await button.getAttribute('aria-pressed'), 'true')
    await button.click()
    await until('one is left', async () => (await card.locator('.multiples').count()) === 1)
    await until('the address knows', () =>
      /together=order\.placed[+ ]rate/.test(decodeURIComponent(page.url())),
    )
    await page.reload()
    await card.locator('.multiples').first().waitFor()
    const graph = card.locator('.panel:not(.multiples)')
    await graph.locator('canvas').waitFor()
    // Eight lines, and a word on the ninth.
    await graph.locator('.legend .muted', { hasText: /^\+1 more$/ }).waitFor()
    assert.equal(await graph.locator('button.legend-line').count(), 8)
    await button.click()
    await card.locator('.multiples').nth(1).waitFor()
    await until('the address forgets it', () => !page.url().includes('together='))
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('one Tab leads in, arrow keys from graph to graph and from point to point', async () => {
    const { page, problems } = await open(browser, live.url)
    const grid = page.locator('.multiples-grid').first()
    await grid.locator('.member canvas').nth(2).waitFor()
    assert.equal(await grid.locator('.chart[tabindex="0"]').count(), 1)
    await grid.locator('.chart[tabindex="0"]').focus()
    const said = () => page.textContent('[role="status"]')
    await until('a point of the first is read', async () => {
      await page.keyboard.press('ArrowLeft')
      return /^\d\d:\d\d:\d\d: at [\d.]+/.test((await said()) ?? '')
    })
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await until('one of the second is read', async () => {
      await page.keyboard.press('ArrowLeft')
      return /: ch [\d.]+/.test((await said()) ?? '')
    })
    const focused = page.locator('.chart:focus')
    assert.match((await focused.getAttribute('aria-label')) ?? '', /^ch of order\.placed: /)
    assert.equal(await grid.locator('.chart[tabindex="0"]').count(), 1)
    assert.deepEqual(problems, [])
    await page.context().close()
  })
})
