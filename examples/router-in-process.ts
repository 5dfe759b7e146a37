/*
 * A router inside the program that uses the events: sources dial in over tcp, the program itself reads from inproc.
 * The router keeps debug events to itself.
 *
 *     node dist/examples/router-in-process.js
 */
import { EventRouter, EventSource, subscribe } from 'eventstorm'

const router = new EventRouter({
  bindSources: ['tcp://127.0.0.1:0'],
  bindSinks: ['inproc://events'],
  component: { route: ({ type }) => !type.startsWith('debug.') },
})
const events = subscribe({ connect: ['inproc://events'] })

// Usually these are other processes, on other machines.
const shops = ['shop-1', 'shop-2'].map(
  (name) => new EventSource({ source: name, connect: [...router.sourceEndpoints] }),
)
for (const shop of shops) {
  await shop.subscribed()
  shop.emit('debug.note', { text: 'stays in the router' })
  shop.emit('order.placed', { total: 12.5 })
}

const seen: string[] = []
for await (const batch of events) {
  for (const { source, type, seq } of batch) seen.push(`${source} ${type} ${seq}`)
  if (seen.length === shops.length) break
}
console.log(seen.sort().join('\n'))

await Promise.all(shops.map((shop) => shop.drain()))
const { eventsOut, filtered, duplicate } = router.counters()
console.log(`passed on ${eventsOut}, filtered ${filtered}, duplicate ${duplicate}`)
await router.drain()
