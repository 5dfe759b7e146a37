import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { until } from '../../testing/index.js'
import { launch, open, withoutChromium } from './fixtures/chromium.js'
import { LiveServer } from './fixtures/live.js'

const skip = withoutChromium()
const ATTACK = '<img src=x onerror="alert(1)"><script>alert(2)</script>'

function deep(levels: number): object {
  let data: object = { end: ATTACK }
  for (let i = 0; i < levels; i++) data = i % 2 ? [data] : { [ATTACK]: data }
  return data
}

describe('the page and whoever means it ill', { skip }, () => {
  let browser: Browser
  before(async () => {
    browser = await launch()
  })
  after(() => browser.close())

  test('with nothing to show it says where it listens, until the first event', async () => {
    await using live = await LiveServer.start()
    const { page, problems, inaccessible, shoot } = await open(browser, live.url)
    await page.getByText('Listening, nothing received yet').waitFor()
    assert.match((await page.textContent('.empty'))!, /inproc:\/\/.*eventstorm emit/s)
    assert.deepEqual(await inaccessible(), [])
    await shoot('empty')
    await live.source.subscribed('hello.world', { timeout: 15_000 })
    live.source.emit('hello.world', { value: 42 })
    await page.locator('.card[data-type="hello.world"]').waitFor()
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('fields are text, whatever stands in them', async () => {
    await using live = await LiveServer.start()
    await live.source.subscribed('evil', { timeout: 15_000 })
    const data = [
      { [ATTACK]: ATTACK, html: ATTACK },
      { long: 'x'.repeat(1_000_000), [`k${'y'.repeat(1000)}`]: 1 },
      { nan: Number.NaN, infinite: Number.POSITIVE_INFINITY, minus: -0, huge: 1e308, tiny: 5e-324 },
      deep(60),
      { constructor: 1, toString: 'x', hasOwnProperty: 2, __proto__: { polluted: true } },
      JSON.parse('{"__proto__": {"polluted": 1}, "value": 3}'),
      { formula: '=HYPERLINK("http://evil","x")', bidi: '\u202Egnp.exe', zero: '\u0000\u0007' },
    ]
    live.traffic(30, (count) => ({ type: 'evil.event', data: data[count % data.length]! }))
    // A hint of a stranger: markup, nonsense, and colours that are none.
    const hint = {
      title: ATTACK,
      description: ATTACK,
      color: 99,
      order: 'x',
      fields: { minus: { title: ATTACK, unit: ATTACK, min: 5, max: 1, decimals: 500, warn: 'x' } },
    }
    live.source.describe('evil.event', hint as never)
    const { page, problems, shoot } = await open(browser, live.url)
    await page.locator('[data-type="evil.event"]').waitFor()
    await page.locator('.events tbody tr').nth(10).waitFor()
    await page.locator('.events tbody').hover()
    for (const index of [1, 5, 9]) {
      await page.locator('.events tbody tr').nth(index).click()
      await page.locator('.detail pre').waitFor()
    }
    await page.selectOption('.events select', 'evil.event')
    await page.locator('.events').scrollIntoViewIfNeeded()
    await shoot('hostile')
    const made = await page.evaluate(
      `[document.querySelectorAll('img, #page script, iframe').length, 'polluted' in {}, document.title,
        document.documentElement.scrollWidth <= innerWidth]`,
    )
    assert.deepEqual(made, [0, false, 'Eventstorm', true])
    assert.ok(!(await page.content()).includes('y'.repeat(600)), 'long names are cut')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('with a token there is a form before the page, and again when the server wants another one', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'eventstorm-page-'))
    t.after(() => rm(folder, { recursive: true }))
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'a-token-of-some-length')
    await using first = await LiveServer.start({ tokenFile })
    first.traffic(20, () => ({ type: 'a.b', data: { value: 1 } }))
    const { page, problems } = await open(browser, first.url)
    await page.fill('input[name="token"]', 'a-token-of-some-length')
    await page.keyboard.press('Enter')
    await page.locator('.card[data-type="a.b"] .chart canvas').first().waitFor()
    assert.ok(!page.url().includes('token'))
    await first.stop()
    await writeFile(tokenFile, 'another-token-of-some-length')
    await using _second = await LiveServer.start({ tokenFile, port: Number(new URL(first.url).port) })
    await page.locator('input[name="token"]').waitFor({ timeout: 45_000 })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('an address that somebody made up does no harm', async () => {
    await using live = await LiveServer.start()
    live.traffic(10, () => ({ type: 'a.b', data: { value: 1 } }))
    const hash = `#filter=${encodeURIComponent(ATTACK)}&pinned=${encodeURIComponent(ATTACK)}&window=1e99&hidden=[[]]`
    const { page, problems } = await open(browser, live.url + hash)
    await page.getByText('No event type matches').waitFor()
    assert.ok((await page.textContent('.empty'))!.includes(ATTACK))
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('ten thousand types: the page stays small and answers', async () => {
    await using live = await LiveServer.start()
    const { page, problems, shoot } = await open(browser, live.url)
    await live.source.subscribed('flood.0', { timeout: 15_000 })
    for (let i = 0; i < 10_000; i++) {
      live.source.emit(`flood.t${i}`, { value: i })
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await until('all were taken', () => live.counters().written >= 10_000, 60_000)
    await page.locator('.strip').nth(50).waitFor()
    const elements = (await page.evaluate('document.querySelectorAll("*").length')) as number
    assert.ok(elements < 6000, `${elements} elements`)
    await page.fill('#filter', 't4711')
    await page.locator('.card[data-type="flood.t4711"]').waitFor()
    await page.fill('#filter', '')
    await page.locator('.strip').nth(50).waitFor()
    await shoot('flood')
    assert.deepEqual(problems, [])
    await page.context().close()
  })
})
