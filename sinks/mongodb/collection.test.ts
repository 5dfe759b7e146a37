import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db, Document } from 'mongodb'
import { mongoJavaServer } from '../../servers/index.js'
import { makeCollection } from './collection.js'
import { connect } from './driver.js'
import { readPlace } from './place.js'

/*
 * What only a real mongod can do is tested by the commands that are sent: to a server that takes them, but makes a
 * plain collection, and to a stand-in that answers as mongod is documented to.
 */

const NAMES = ['create', 'createIndexes', 'collMod']

/** The commands that make something, as they go over the wire. */
async function commandsSent(url: string, options: Parameters<typeof makeCollection>[1]) {
  const client = await connect(readPlace(url), { monitorCommands: true })
  const sent: Document[] = []
  client.on('commandStarted', ({ commandName, command }) => {
    const { lsid: _, $db: __, ...rest } = command
    if (NAMES.includes(commandName)) sent.push(rest)
  })
  try {
    return { made: await makeCollection(client.db('made'), options), sent }
  } finally {
    await client.close()
  }
}

test('the commands for time series and for expiry', { skip: mongoJavaServer.skip() }, async () => {
  await using server = await mongoJavaServer.start()
  const { url } = server
  const series = { collection: 'series', keep: 3_600_000, timeSeries: true }
  const byType = { key: { type: 1, time: 1 }, name: 'type_time' }
  const first = await commandsSent(url, series)
  assert.deepEqual(first.sent, [
    {
      create: 'series',
      timeseries: { timeField: 'time', metaField: 'type', granularity: 'seconds' },
      expireAfterSeconds: 3600,
    },
    { createIndexes: 'series', indexes: [byType] },
    { createIndexes: 'series', indexes: [{ key: { time: 1 }, name: 'time', expireAfterSeconds: 3600 }] },
  ])
  // It says yes and makes a plain one, which is seen.
  assert.deepEqual(first.made, { timeSeries: false, expiry: 'server' })
  const again = await commandsSent(url, { ...series, timeSeries: false })
  assert.deepEqual(again, { made: { timeSeries: false, expiry: 'server' }, sent: [] })
  const forEver = await commandsSent(url, { ...series, timeSeries: false, keep: undefined })
  assert.deepEqual(forEver, { made: { timeSeries: false, expiry: undefined }, sent: [] })
})

/** A database that answers as mongod is documented to, and keeps what it was told. */
function standIn(found: Document | undefined, indexes: Document[] = []) {
  const told: Document[] = []
  const db = {
    async command(command: Document) {
      told.push(command)
      if ('create' in command && found)
        throw Object.assign(new Error('Collection already exists'), { code: 48 })
      return { ok: 1 }
    },
    listCollections: () => ({
      async toArray() {
        const created = told.find((command) => 'create' in command)
        return [found ?? { name: created?.create, options: created }]
      },
    }),
    collection: () => ({ indexes: async () => indexes }),
  }
  return { db: db as unknown as Db, told }
}

test('a time-series collection is made where the server makes one', async () => {
  const { db, told } = standIn(undefined)
  const made = await makeCollection(db, { collection: 'events', keep: 86_400_000, timeSeries: true })
  assert.deepEqual(made, { timeSeries: true, expiry: 'server' })
  assert.deepEqual(told, [
    {
      create: 'events',
      timeseries: { timeField: 'time', metaField: 'type', granularity: 'seconds' },
      expireAfterSeconds: 86400,
    },
  ])
})

test('one that is there gets another time to keep, and no second kind', async () => {
  const options = { timeseries: { timeField: 'time' }, expireAfterSeconds: 60 }
  const { db, told } = standIn({ name: 'events', options })
  const made = await makeCollection(db, { collection: 'events', keep: 3_600_000, timeSeries: true })
  assert.deepEqual(made, { timeSeries: true, expiry: 'server' })
  assert.deepEqual(told.slice(1), [{ collMod: 'events', expireAfterSeconds: 3600 }])
  const plain = standIn({ name: 'events', options: {} })
  assert.equal(
    (await makeCollection(plain.db, { collection: 'events', keep: undefined, timeSeries: true })).timeSeries,
    false,
  )
})

test('an index of time that is there gets another time to keep', async () => {
  const indexes = [{ key: { type: 1, time: 1 } }, { key: { time: 1 }, expireAfterSeconds: 60 }]
  const { db, told } = standIn(undefined, indexes)
  await makeCollection(db, { collection: 'events', keep: 3_600_000, timeSeries: false })
  assert.deepEqual(told, [
    { collMod: 'events', index: { keyPattern: { time: 1 }, expireAfterSeconds: 3600 } },
  ])
})
