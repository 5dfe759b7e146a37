import type { Db, IndexDescriptionInfo } from 'mongodb'
import { isUnsupported } from './faults.js'

export interface CollectionOptions {
  collection: string
  /** Milliseconds; undefined for ever. */
  keep: number | undefined
  timeSeries: boolean
}

/** What became of the wishes. */
export interface MadeCollection {
  timeSeries: boolean
  /** Who removes old events; undefined when nobody has to. */
  expiry: 'server' | 'sink' | undefined
}

const NO_COLLECTION = 26
const EXISTS = 48

/**
 * Makes the collection and its indexes, or leaves what is there already; any number of sinks may do so at a time. What
 * a server does not know is left out: a time-series collection becomes a plain one, and expiry the sink's own work.
 */
export async function makeCollection(db: Db, options: CollectionOptions): Promise<MadeCollection> {
  const { collection, keep } = options
  const expireAfterSeconds = keep === undefined ? undefined : Math.max(1, Math.round(keep / 1000))
  if (options.timeSeries && (await makeTimeSeries(db, collection, expireAfterSeconds))) {
    return { timeSeries: true, expiry: keep === undefined ? undefined : 'server' }
  }
  const indexes = await listIndexes(db, collection)
  const has = (wanted: object) => indexes.find(({ key }) => JSON.stringify(key) === JSON.stringify(wanted))
  if (!has(BY_TYPE)) await makeIndex(db, collection, { key: BY_TYPE, name: 'type_time' })
  const byTime = has(BY_TIME)
  const expiry = expireAfterSeconds !== undefined
  if (!expiry) {
    if (!byTime) await makeIndex(db, collection, { key: BY_TIME, name: 'time' })
    return { timeSeries: false, expiry: undefined }
  }
  try {
    const index = { keyPattern: BY_TIME, expireAfterSeconds }
    if (!byTime) await makeIndex(db, collection, { key: BY_TIME, name: 'time', expireAfterSeconds })
    // The last one who says it is right.
    else if (byTime.expireAfterSeconds !== expireAfterSeconds)
      await db.command({ collMod: collection, index })
    return { timeSeries: false, expiry: 'server' }
  } catch (error) {
    if (!isUnsupported(error)) throw error
    if (!byTime) await makeIndex(db, collection, { key: BY_TIME, name: 'time' })
    return { timeSeries: false, expiry: 'sink' }
  }
}

const BY_TYPE = { type: 1, time: 1 }
const BY_TIME = { time: 1 }

/** Asked first, since a server that is at work would rather not be told to make what it has. */
async function listIndexes(db: Db, collection: string): Promise<IndexDescriptionInfo[]> {
  try {
    return await db.collection(collection).indexes()
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_COLLECTION) return []
    throw error
  }
}

function makeIndex(db: Db, createIndexes: string, index: object) {
  return db.command({ createIndexes, indexes: [index] })
}

/** Says whether the collection is one of time series in the end; some servers say yes and make a plain one. */
async function makeTimeSeries(
  db: Db,
  create: string,
  expireAfterSeconds: number | undefined,
): Promise<boolean> {
  const timeseries = { timeField: 'time', metaField: 'type', granularity: 'seconds' }
  try {
    await db.command({ create, timeseries, ...(expireAfterSeconds !== undefined && { expireAfterSeconds }) })
  } catch (error) {
    if (isUnsupported(error)) return false
    if ((error as { code?: unknown }).code !== EXISTS) throw error
  }
  const [found] = await db.listCollections({ name: create }).toArray()
  const options = (found as { options?: { timeseries?: object; expireAfterSeconds?: number } } | undefined)
    ?.options
  if (!options?.timeseries) return false
  if (expireAfterSeconds !== undefined && options.expireAfterSeconds !== expireAfterSeconds) {
    await db.command({ collMod: create, expireAfterSeconds })
  }
  return true
}
