/** What whoever looks at the page can choose, and what their system asks for; in a real browser. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../testing/index.js'
import { open, withoutChromium } from './fixtures/chromium.js'
import { shopWindow } from './fixtures/shop-window.js'
import type { ClientFrame } from './protocol.js'

describe('the page as one likes it', { skip: withoutChromium() }, () => {
  const shop = shopWindow()

  test('a double click shows a line alone, another one all of them', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    const lines = page.locator('[data-type="http.hit"] button.legend-line:not(:disabled)')
    await lines.nth(2).waitFor()
    const pressed = () =>
      lines.evaluateAll((all) => all.map((each) => (each as unknown as Element).getAttribute('aria-pressed')))
    interface Element {
      getAttribute(name: string): string | null
    }
    await lines.nth(1).dblclick()
    await until('it is alone', async () => (await pressed()).join() === 'false,true,false')
    await lines.nth(1).dblclick()
    await until('all are there', async () => (await pressed()).join() === 'true,true,true')
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('times are those of the place, or UTC', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url, { timezoneId: 'Asia/Kolkata' })
    const newest = page.locator('.events tbody .row-open').first()
    await newest.waitFor()
    const hours = (zone: string) =>
      [0, 1].map((ago) =>
        new Date(Date.now() - ago * 5000).toLocaleTimeString('en-GB', { timeZone: zone }).slice(0, 5),
      )
    const shows = async (zone: string) => hours(zone).includes((await newest.textContent())!.slice(0, 5))
    await until('it is the time of Kolkata', () => shows('Asia/Kolkata'))
    await page.click('[aria-label="Settings"]')
    await page.click('.menu-panel button:text-is("UTC")')
    await until('it is UTC', () => shows('UTC'))
    await until('the address knows', () => page.url().includes('zone=utc'))
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('who wants less motion gets a picture a second', async () => {
    const { page, problems } = await open(shop.browser, 'about:blank', { reducedMotion: 'reduce' })
    const said: ClientFrame[] = []
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => said.push(JSON.parse(String(payload)))),
    )
    await page.goto(shop.live.url)
    await page.locator('[data-type="http.hit"] .chart canvas').first().waitFor()
    await until('a few ticks were acknowledged', () => said.filter(({ f }) => f === 'ack').length > 3)
    const rates = said.flatMap((frame) => (frame.f === 'sub' || frame.f === 'hz' ? [frame.hz] : []))
    assert.ok(rates.length > 0 && rates.every((hz) => hz === 1), rates.join())
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('on a wall there are graphs and nothing to press, until Escape', async () => {
    const { page, problems } = await open(shop.browser, `${shop.live.url}#kiosk=1`)
    await page.locator('.kiosk [data-type="http.hit"] .chart canvas').first().waitFor()
    assert.equal(await page.locator('.toolbar, .events, .strips').count(), 0)
    assert.ok(!(await page.locator('.card-tools').first().isVisible()))
    await page.keyboard.press('Escape')
    await page.locator('.toolbar').waitFor()
    await until('the address knows', () => !page.url().includes('kiosk'))
    assert.deepEqual(problems, [])
    await page.context().close()
  })

  test('one crosshair stands in all graphs, and one tooltip tells of it', async () => {
    const { page, problems } = await open(shop.browser, shop.live.url)
    const areas = page.locator('.chart .u-over')
    await areas.nth(3).waitFor()
    const places = () =>
      page
        .locator('.chart .u-cursor-x')
        .evaluateAll((all) =>
          all.map((each) => Number.parseFloat((each as unknown as Styled).style.transform.slice(10))),
        )
    interface Styled {
      style: { transform: string }
    }
    await until('it stands in all of them', async () => {
      // Again, as a card that comes late moves the graphs away from under the pointer.
      await areas.first().hover({ position: { x: 80, y: 30 } })
      return (await places()).filter((at) => at > 40).length >= 4
    })
    await page.locator('.tooltip').waitFor()
    assert.equal(await page.locator('.tooltip:visible').count(), 1)
    assert.deepEqual(problems, [])
    await page.context().close()
  })
})
