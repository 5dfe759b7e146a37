/*
 * Follows the access log of an nginx, through rotations, and stores every request in MongoDB; all in one process. Who wants
 * to see the requests too, connects to its router.
 *
 *     npm install mongodb
 *     node dist/examples/nginx-to-mongodb.js /var/log/nginx/access.log mongodb://127.0.0.1:27017/shop
 *
 * It prints where sinks can connect, and once it is ended with Ctrl-C what became of the events. The same without a line of
 * code: a pipeline file with a source nginx and a sink mongodb, see README.md.
 */
import { attach, EventRouter, parseOptions, startSource } from 'eventstorm'
import mongodb from 'eventstorm/sinks/mongodb'
import nginx from 'eventstorm/sources/nginx'

const [file = '/var/log/nginx/access.log', url = 'mongodb://127.0.0.1:27017/eventstorm'] =
  process.argv.slice(2)

const router = new EventRouter({ bindSources: ['inproc://requests'], bindSinks: ['tcp://127.0.0.1:0'] })
const store = mongodb.create(parseOptions(mongodb.options, { url }, 'mongodb'))
const sink = await attach(store, {
  ...mongodb.defaults,
  connect: [...router.sinkEndpoints],
  subscribe: ['http.hit', 'log.unparsed'],
})
// With a checkpoint it goes on, after a restart, where it was.
const log = nginx.create(parseOptions(nginx.options, { file, fromStart: true }, 'nginx'))
const source = await startSource(log, { source: 'web-1', connect: ['inproc://requests'] })
console.log(`sinks connect to ${router.sinkEndpoints}`)

process.once('SIGINT', () => process.emit('SIGTERM'))
process.once('SIGTERM', async () => {
  // In the order of the events, so that what is on its way is stored.
  await source.drain()
  const { sent } = source.counters()
  while (sink.counters().received + sink.counters().lost < Number(sent)) await new Promise(setImmediate)
  await router.drain()
  await sink.drain()
  const { received, lost, written } = sink.counters()
  console.log(`sent ${sent}, received ${received}, lost ${lost}, written ${written}`)
})
