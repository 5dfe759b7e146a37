/*
 * An application that emits events and goes on with its work, whether or not anybody listens.
 *
 *     node dist/examples/emit.js [endpoint]
 *
 * The endpoint is that of a router, or of a sink that was bound; without one, the router's default.
 */
import { EventSource } from 'eventstorm'

const [endpoint = 'tcp://127.0.0.1:5555'] = process.argv.slice(2)
const source = new EventSource({ source: 'shop', connect: [endpoint] })

// Optional: what is emitted before somebody has subscribed is not sent. An application that runs for long need not care.
await source.subscribed('order.placed', { timeout: 10_000 }).catch((error) => console.log(error.message))

for (let number = 1; number <= 3; number++) {
  const wanted = source.emit('order.placed', { number, total: 12.5 * number, currency: 'EUR' })
  console.log(`order ${number} placed, ${wanted ? 'and somebody listens' : 'nobody listens'}`)
}

// Sends what is still in hand and closes; until then the source keeps the process alive.
await source.drain()
const { emitted, sent, unwanted } = source.counters()
console.log(`emitted ${emitted}, sent ${sent}, unwanted ${unwanted}`)
