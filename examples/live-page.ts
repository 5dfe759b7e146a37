/*
 * A live page of an application's own numbers: the sink of the page runs inside the application, and shows what it emits
 * as graphs, with no configuration.
 *
 *     node dist/examples/live-page.js
 *
 * It prints the address of the page, to be opened in a browser; Ctrl-C ends it.
 */
import { attach, EventSource, parseOptions } from 'eventstorm'
import websocket from 'eventstorm/sinks/websocket'

const source = new EventSource({ source: 'shop', bind: ['inproc://shop'] })
// What the page cannot know by itself: a title, a unit, and that there is a graph for each value of a field.
source.describe('checkout.done', {
  title: 'Checkouts',
  key: ['country'],
  fields: { total: { unit: 'EUR', kind: 'gauge' }, ms: { title: 'time', unit: 'ms', kind: 'gauge' } },
})

const page = websocket.create(parseOptions(websocket.options, { port: 0 }, 'websocket'))
const sink = await attach(page, { connect: ['inproc://shop'] })
console.log(`open ${sink.url}`)

// A shop that is busy.
let count = 0
const timer = setInterval(() => {
  count++
  const country = ['de', 'fr', 'pl'][count % 3]!
  source.emit('checkout.done', { country, total: 20 + (count % 17), ms: 80 + 40 * Math.sin(count / 20) })
  if (count % 40 === 0) source.emit('checkout.failed', { country, reason: 'card refused' })
}, 50)

process.once('SIGINT', () => process.emit('SIGTERM'))
process.once('SIGTERM', async () => {
  clearInterval(timer)
  await source.drain()
  await sink.drain()
})
