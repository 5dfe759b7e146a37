/*
 * A web application that emits an event for each request it has answered, by a hook of Fastify. The requests wait for
 * nothing: an event that nobody wants costs a look into a table.
 *
 *     node dist/examples/fastify.js [endpoint]
 *
 * The endpoint is that of a router, or of a sink that was bound; without one, the router's default. It prints where it
 * listens, and how many events it has emitted once it is ended with Ctrl-C. In another terminal: eventstorm tap 'http.**'
 *
 * With Express the hook is a middleware:
 *
 *     app.use((request, response, next) => {
 *       const began = performance.now()
 *       response.on('finish', () => {
 *         const route = request.route && request.baseUrl + request.route.path
 *         emit(request.method, route, response.statusCode, performance.now() - began)
 *       })
 *       next()
 *     })
 */
import { EventSource } from 'eventstorm'
import { fastify } from 'fastify'

const [endpoint = 'tcp://127.0.0.1:5555'] = process.argv.slice(2)
const source = new EventSource({ source: 'shop', connect: [endpoint] })
source.describe('http.request', {
  title: 'Requests',
  fields: { ms: { title: 'time', unit: 'ms', kind: 'gauge' } },
})

function emit(method: string, route: string | undefined, status: number, ms: number): void {
  // The pattern of the route and not the URL: it has few values, and no secrets.
  source.emit('http.request', { method, route: route ?? 'none', status, ms: Math.round(ms * 100) / 100 })
}

const app = fastify()
app.addHook('onResponse', (request, reply, done) => {
  emit(request.method, request.routeOptions.url, reply.statusCode, reply.elapsedTime)
  done()
})
// What is still in hand goes out when the application ends.
app.addHook('onClose', () => source.drain())

app.get('/products/:id', async (request) => ({ product: (request.params as { id: string }).id }))
app.get('/broken', async () => {
  throw new Error('something went wrong')
})

console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
process.once('SIGINT', () => process.emit('SIGTERM'))
process.once('SIGTERM', async () => {
  await app.close()
  const { emitted, sent, unwanted } = source.counters()
  console.log(`emitted ${emitted}, sent ${sent}, unwanted ${unwanted}`)
})
