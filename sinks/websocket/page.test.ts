import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { EventRouter, EventSource } from '../../lib/index.js'
import { freeEndpoint, until } from '../../testing/index.js'
import { numbers, open, withoutChromium } from './fixtures/chromium.js'
import { LiveServer, shopping } from './fixtures/live.js'
import { shopWindow } from './fixtures/shop-window.js'
import type { History } from './protocol.js'

const skip = withoutChromium()
const KB = 1000

/** What a graph's canvas looks like, as a number that changes with it. */
const looks = (page: Page, type: string) =>
  page
    .locator(`[data-type="${type}"] .chart canvas`)
    .first()
    .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())

const connection = (page: Page) => page.locator('.connection dd').first().textContent()

/** How far the picture is behind, seconds. */
async function behind(page: Page): Promise<number> {
  const [, count, unit] = /\+(\d+) (\w+) behind/.exec((await page.textContent('.behind')) ?? '') ?? []
  return Number(count) * (unit === 'min' ? 60 : 1)
}

test('the page is small', () => {
  const folder = new URL('page/', import.meta.url)
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const size = (ending: string) =>
    names
      .filter((name) => name.endsWith(ending))
      .reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, folder))).length, 0)
  assert.ok(names.includes('index.html'), 'npm run build makes the page')
  assert.ok(size('.js') > 20 * KB && size('.js') <= 60 * KB, `${size('.js')} bytes of JavaScript, compressed`)
  assert.ok(size('.css') > 1 * KB && size('.css') <= 8 * KB, `${size('.css')} bytes of CSS, compressed`)
})

describe('the page in a browser', { skip }, () => {
  const shop = shopWindow()

  /** How many events the server has counted in each second, by its begin. */
  async function counted(): Promise<Map<number, number>> {
    const answer = await fetch(new URL('api/history?match=http.hit&step=1000&keys=0', shop.live.url))
    const { series, from, step } = (await answer.json()) as History
    const events = series.find(({ field }) => field === undefined)!
    return new Map(events.at.map((at, i) => [from + at * step, events.n![i]!]))
  }

  /** Waits until so many more ticks have gone out. */
  async function ticks(count: number): Promise<void> {
    const sent = () => Number(shop.live.counters().ticksSent)
    const before = sent()
    await until('ticks go out', () => sent() >= before + count)
  }

  // The time before a page is opened is what it has to fill in.
  before(() =>
    until('ten seconds are known', async () => {
      const answer = await fetch(new URL('api/history?match=http.hit', shop.live.url))
      const { series } = (await answer.json()) as History
      return (series[0]?.at.length ?? 0) >= 10
    }),
  )

  test('the first open shows graphs that move, filled back', async () => {
    for (const [width, height, colorScheme] of [
      [1280, 900, 'light'],
      [1280, 900, 'dark'],
      [390, 844, 'light'],
    ] as const) {
      const { page, problems, shoot } = await open(shop.browser, shop.live.url, {
        viewport: { width, height },
        colorScheme,
      })
      const opened = Date.now()
      await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
      const first = await looks(page, 'http.hit')
      await until('the graph moves', async () => (await looks(page, 'http.hit')) !== first)
      await until('it is live', async () => (await connection(page)) === 'Live')
      await shoot(`first-open-${width}-${colorScheme}`)
      assert.ok(
        Number(await page.evaluate('document.documentElement.scrollWidth')) <= width,
        'nothing sticks out',
      )
      const before = async () =>
        (await numbers(page, 'http.hit'))
          .map(([time, rate]) => [new Date(time!).getTime(), Number.parseFloat(rate!)] as const)
          .filter(([time]) => time < opened - 2000)
          .slice(1, -1)
      await until('seconds from before are there', async () => (await before()).length >= 3)
      // Not all are alike: on a busy machine a second may have few events, or none.
      const [known, told] = [await before(), await counted()]
      assert.ok(known.some(([, rate]) => rate > 0))
      assert.deepEqual(
        known,
        known.map(([time]) => [time, told.get(time) ?? 0]),
      )
      assert.deepEqual(problems, [])
      await page.context().close()
    }
  })

  test('pausing stops the picture and the list, and says how far behind they are', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    await page.locator('.events tbody tr').first().waitFor()
    await page.keyboard.press('Space')
    await until('it says how far', async () => (await behind(page)) >= 2)
    const [graph, list] = [await looks(page, 'http.hit'), await page.textContent('.events tbody')]
    const so = await behind(page)
    await until('it is further behind', async () => (await behind(page)) >= so + 2)
    assert.equal(await looks(page, 'http.hit'), graph)
    assert.equal(await page.textContent('.events tbody'), list)
    await page.keyboard.press('Space')
    await until('the graph moves', async () => (await looks(page, 'http.hit')) !== graph)
    await page.locator('.behind').waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('a filter shows what it names, stands in the address, and survives a reload', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    await page.locator('[data-type="http.hit"]').waitFor()
    await page.locator('[data-type="cpu.usage"]').waitFor()
    await page.fill('#filter', 'cpu.*')
    await page.locator('[data-type="http.hit"]').waitFor({ state: 'detached' })
    await page.reload()
    await page.locator('[data-type="cpu.usage"] .chart').first().waitFor()
    assert.equal(await page.inputValue('#filter'), 'cpu.*')
    assert.equal(await page.locator('[data-type="http.hit"]').count(), 0)
    await page.fill('#filter', 'hit')
    await page.locator('[data-type="http.hit"] .chart').first().waitFor()
    await page.fill('#filter', 'nothing.**')
    await page.getByText('No event type matches').waitFor()
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('dragging zooms, all graphs alike; a double click goes live again', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    const area = page.locator('[data-type="http.hit"] .u-over').first()
    // What comes after it may move it.
    for (const type of ['http.hit', 'cpu.usage'])
      await page.locator(`[data-type="${type}"] .u-over`).first().waitFor()
    const { x, y, width } = (await area.boundingBox())!
    await page.mouse.move(x + width - 60, y + 40)
    await page.mouse.down()
    await page.mouse.move(x + width - 5, y + 40, { steps: 4 })
    await page.mouse.up()
    await until('the address has the range', async () => /range=\d+-\d+/.test(page.url()))
    await until('it says so', async () => (await connection(page)) === 'Paused')
    assert.match((await page.textContent('.behind'))!, /–/)
    await until('it is drawn, and stands still', async () => {
      const graph = await looks(page, 'cpu.usage')
      await ticks(4)
      return (await looks(page, 'cpu.usage')) === graph
    })
    await area.dblclick({ position: { x: 30, y: 60 } })
    await until('the range is gone', async () => !page.url().includes('range'))
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('lines can be hidden, types closed and opened, and the address tells it all', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    await page.locator('[data-type="cpu.usage"] .legend-line:has-text("1")').first().click()
    await until('the address knows', async () => page.url().includes('hidden='))
    await page.locator('[data-type="cpu.usage"] button[title="Collapse"]').click()
    const strip = page.locator('.strip[data-type="cpu.usage"]')
    await strip.waitFor()
    await page.locator('[data-type="http.hit"] button[title="Pin to the top"]').click()
    await until('the address has all', () =>
      ['hidden=', 'closed=', 'pinned='].every((each) => page.url().includes(each)),
    )
    const other = await open(shop.browser, page.url())
    await other.page.locator('.strip[data-type="cpu.usage"]').waitFor()
    await other.page.locator('[data-type="http.hit"] button[aria-pressed="true"][title="Unpin"]').waitFor()
    await other.page.locator('.strip[data-type="cpu.usage"] button').click()
    await other.page
      .locator('.card[data-type="cpu.usage"] .legend-line[aria-pressed="false"]')
      .first()
      .waitFor()
    assert.deepEqual([...problems, ...other.problems], [])
    await page.context().close()
    await other.page.context().close()
  })

  test('numbers and pictures can be taken home', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    const save = async (what: string) => {
      await page.click('[aria-label="Export http.hit"]')
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.click(`.menu-panel .menu-item:text-is("${what}")`),
      ])
      await page.keyboard.press('Escape')
      return { name: file.suggestedFilename(), bytes: readFileSync((await file.path())!) }
    }
    await until('some seconds are drawn', async () => (await numbers(page, 'http.hit')).length > 3)
    await page.locator('[data-type="http.hit"] button[title="Show as table"]').click()
    const table = await save('CSV')
    assert.equal(table.name, 'http.hit.csv')
    const [head, ...lines] = table.bytes.toString().trim().split('\r\n')
    assert.match(head!, /^time,Events/)
    assert.ok(
      lines.length > 3 && lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+/.test(line)),
      lines[0],
    )
    const json = JSON.parse((await save('JSON')).bytes.toString())
    assert.equal(json.type, 'http.hit')
    assert.ok(json.rows.length > 3)
    const picture = await save('PNG')
    assert.deepEqual([...picture.bytes.subarray(1, 4)], [...Buffer.from('PNG')])
    assert.ok(picture.bytes.length > 5 * KB)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('dark and light are chosen, stay chosen, and follow the system when nothing is', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url, { colorScheme: 'dark' })
    const background = () =>
      page.evaluate('getComputedStyle(document.body).backgroundColor') as Promise<string>
    await page.locator('.bar').waitFor()
    const dark = await background()
    await page.emulateMedia({ colorScheme: 'light' })
    await until('it is light', async () => (await background()) !== dark)
    await page.click('[aria-label="Settings"]')
    await page.click('.menu-panel button:text-is("Dark")')
    await until('it is dark', async () => (await background()) === dark)
    await page.reload()
    await page.locator('.bar').waitFor()
    assert.equal(await background(), dark)
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('an event is found, and shown with all that it has', async () => {
    const { page, problems, shoot } = await open(shop.browser, shop.live.url)
    await page.fill('.events input[type="search"]', '4711')
    const row = page.locator('.events tbody tr', { hasText: 'order.placed' }).first()
    await until('it is in the list', () => {
      // The list leaves out what comes while the page is too busy to acknowledge.
      shop.live.source.emit('order.placed', { number: 4711, customer: { name: 'Ada' } })
      return row.waitFor({ timeout: 2000 }).then(
        () => true,
        () => false,
      )
    })
    await row.click()
    await page.locator('.detail pre', { hasText: '"name": "Ada"' }).waitFor()
    await page.locator('.events').scrollIntoViewIfNeeded()
    await shoot('event-details')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('axe finds no serious fault, wherever one looks', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, problems, inaccessible, shoot } = await open(shop.browser, shop.live.url, { colorScheme })
      await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
      await page.locator('.events tbody tr').first().waitFor()
      assert.deepEqual(await inaccessible(), [])
      await page.locator('[data-type="http.hit"] button[title="Show as table"]').click()
      await page.locator('.events tbody tr').first().click()
      await page.click('[aria-label="Settings"]')
      assert.deepEqual(await inaccessible(), [])
      await page.keyboard.press('Escape')
      await page.keyboard.press('?')
      await page.locator('dialog[open]').waitFor()
      assert.deepEqual(await inaccessible(), [])
      await page.keyboard.press('Escape')
      await page.keyboard.press('k')
      await page.locator('.kiosk').waitFor()
      await shoot(`kiosk-${colorScheme}`)
      assert.deepEqual(problems, [])
      await page.context().close()
    }
  })

  test('arrow keys read a graph point by point', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    const graph = page.locator('[data-type="http.hit"] .chart').first()
    await graph.locator('canvas').waitFor()
    assert.match((await graph.getAttribute('aria-label')) ?? '', /Events of http\.hit/)
    await graph.focus()
    await until('a point is read', async () => {
      await page.keyboard.press('ArrowLeft')
      return /^\d\d:\d\d:\d\d: .*\d/.test((await page.textContent('[role="status"]')) ?? '')
    })
    await page.locator('.tooltip').waitFor()
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('a second in which events were lost looks different from one in which nothing happened', async () => {
    let keeps = false
    const ends = { bindSources: [freeEndpoint('inproc')], bindSinks: [freeEndpoint('inproc')] }
    await using router = new EventRouter({ ...ends, component: { route: () => !keeps } })
    const source = new EventSource({ source: 'web-1', connect: [...router.sourceEndpoints], heartbeat: 200 })
    await using lossy = await LiveServer.start({}, { endpoint: router.sinkEndpoints[0]!, source })
    await source.subscribed('http.hit', { timeout: 15_000 })
    lossy.traffic(50, shopping)
    const { page, problems, shoot } = await open(shop.browser, lossy.url)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    await until('some came', () => lossy.counters().received > 50)
    keeps = true
    await until('some were kept back', () => Number(router.counters().filtered) > 20)
    keeps = false
    const badge = page.locator('[data-type="http.hit"] .badge')
    await badge.waitFor()
    assert.match((await badge.textContent())!, /^\d+ lost$/)
    await page.locator('.status-figure.alarm', { hasText: 'Lost' }).waitFor()
    const losses = async () =>
      (await numbers(page, 'http.hit')).flatMap((row) => Number.parseFloat(row.at(-1)!) || [])
    assert.ok(lossy.counters().lost > 0)
    await until(
      'the table has all of it',
      async () => (await losses()).reduce((sum, each) => sum + each, 0) === lossy.counters().lost,
    )
    await page.locator('[data-type="http.hit"] button[title="Show as table"]').click()
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    const red = `[...document.querySelectorAll('[data-type="http.hit"] .chart canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      let count = 0
      for (let i = 0; i < data.length; i += 4) if (data[i] > data[i + 1] + 60 && data[i] > data[i + 2] + 40) count++
      return count
    })`
    await until('a striped band is drawn', async () =>
      ((await page.evaluate(red)) as number[]).every((count) => count > 100),
    )
    await shoot('loss')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('the sink restarts: the page comes back by itself and keeps what it had', async () => {
    const endpoint = freeEndpoint('inproc')
    const source = new EventSource({ source: 'web-1', bind: [endpoint] })
    await using first = await LiveServer.start({}, { endpoint, source })
    await source.subscribed('http.hit', { timeout: 15_000 })
    first.traffic(30, shopping)
    const { page, problems, shoot } = await open(shop.browser, first.url)
    await until('some seconds are drawn', async () => (await numbers(page, 'http.hit')).length >= 3)
    const before = (await numbers(page, 'http.hit')).map(([time]) => time!)
    await first.stopSink()
    await until('the page notices', async () => (await connection(page))?.startsWith('Reconnecting'))
    const { port } = new URL(first.url)
    const restarted = Date.now()
    await using _second = await LiveServer.start({ port: Number(port) }, { endpoint, source })
    await until('it is back', async () => (await connection(page)) === 'Live', 40_000)
    await until('new seconds come', async () =>
      (await numbers(page, 'http.hit')).some(([time]) => new Date(time!).getTime() > restarted + 1000),
    )
    const afterwards = (await numbers(page, 'http.hit')).map(([time]) => time!)
    assert.ok(afterwards.includes(before[1]!), 'what was known before the restart is still there')
    await page.locator('[data-type="http.hit"] button[title="Show as table"]').click()
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    await shoot('restart')
    assert.deepEqual(problems, [])
    await page.context().close()
  })
})
