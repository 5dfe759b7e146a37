/*
 * Reads the whole log of a Postfix mail server, stores what it tells of in Apache Cassandra, and asks how the deliveries
 * went. Running it again stores the same events as new ones: a run is an incarnation of its source.
 *
 *     npm install cassandra-driver
 *     node dist/examples/postfix-to-cassandra.js /var/log/mail.log cassandra://127.0.0.1:9042/mail
 *
 * It prints a table of types and counts, then one of deliveries by their status.
 */
import { ask, attach, parseOptions, startSource } from 'eventstorm'
import cassandra from 'eventstorm/sinks/cassandra'
import postfix from 'eventstorm/sources/postfix'

const [file = '/var/log/mail.log', url = 'cassandra://127.0.0.1:9042/eventstorm'] = process.argv.slice(2)

// Without a router between: the sink listens, and the source dials it.
const store = cassandra.create(parseOptions(cassandra.options, { url }, 'cassandra'))
const sink = await attach(store, { ...cassandra.defaults, bind: ['tcp://127.0.0.1:0'] })

// With `once` it waits until somebody listens, reads the file to its end, and ends.
const log = postfix.create(parseOptions(postfix.options, { file, once: true }, 'postfix'))
const source = await startSource(log, { source: 'mx-1', connect: [...sink.endpoints] })
await source.ended

const { sent } = source.counters()
while (sink.counters().received + sink.counters().lost < Number(sent)) await new Promise(setImmediate)
await sink.drain()
const { received, written, lost } = sink.counters()
console.log(`sent ${sent}, received ${received}, lost ${lost}, written ${written}`)

const reader = await cassandra.reader!(url)
for (const question of [
  { by: 'type' },
  { type: 'smtp.delivery', by: 'status', measure: ['count', 'avg(delay)'] },
]) {
  const { columns, rows } = await ask(reader, question)
  console.log(columns.join(', '))
  for (const row of rows) console.log(row.join(', '))
}
await reader[Symbol.asyncDispose]()
