import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { ask } from '../../lib/index.js'
import { ferretdb, mongoJavaServer } from '../../servers/index.js'
import { checkReader, type Question } from '../../testing/index.js'
import mongodb from './mongodb.js'

const seed = Number(process.env.SEED ?? randomInt(2 ** 31))

/** FerretDB 1 has few stages and fewer expressions. */
const beyondFerret = ({ every, measure = [] }: Question) =>
  every !== undefined || [measure].flat().some((each) => each !== 'count' && each !== 'rate')

for (const { kind, refuses } of [
  { kind: mongoJavaServer, refuses: () => false },
  { kind: ferretdb, refuses: beyondFerret },
]) {
  test(`${kind.name} answers as the events themselves do`, { skip: kind.skip() }, async (t) => {
    await using server = await kind.start()
    const url = `${server.url}/questions`
    const sink = mongodb.create(mongodb.options.parse({ url }))
    const { answered, refused } = await checkReader(sink, () => mongodb.reader!(url), { seed, refuses })
    t.diagnostic(`seed ${seed}: ${answered} questions answered, ${refused} refused`)
    assert.ok(answered >= 30 && refused === (kind === ferretdb ? 10 : 0), `${answered}, ${refused}`)
  })
}

test('what cannot be asked is refused, and a question can be ended', {
  skip: mongoJavaServer.skip(),
}, async () => {
  await using server = await mongoJavaServer.start()
  await using reader = await mongodb.reader!(`${server.url}/store#elsewhere`)
  assert.deepEqual((await ask(reader, {})).rows, [[0]])
  await assert.rejects(ask(reader, { where: '$where=1' }), {
    code: 'QUERY_INVALID',
    message: /begins with "\$"/,
  })
  server.process.pause()
  const end = new AbortController()
  const asked = ask(reader, { by: 'type' }, { signal: end.signal })
  const reason = new Error('nobody waits')
  end.abort(reason)
  await assert.rejects(asked, reason)
  server.process.resume()
  assert.deepEqual((await ask(reader, { by: 'type' })).rows, [])
})

test('a store that is not there says so, without user and password', async () => {
  const store = 'mongodb://somebody:s3cret%20word@127.0.0.1:1/db?serverSelectionTimeoutMS=300'
  await assert.rejects(mongodb.reader!(store), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'STORE_FAILED')
    assert.match(error.message, /^the store at mongodb:\/\/127\.0\.0\.1:1\/db cannot be read: .*ECONNREFUSED/)
    assert.doesNotMatch(JSON.stringify(error) + error.stack + String(error.cause), /s3cret|somebody/)
    return true
  })
  await assert.rejects(mongodb.reader!('mongodb:/no/such/file'), { code: 'FILE_UNREADABLE' })
})
