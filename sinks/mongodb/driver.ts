import type { MongoClient, MongoClientOptions } from 'mongodb'
import type { Place } from './place.js'

/** What to do when the driver, an optional dependency, is not there. */
export const INSTALL = 'npm install mongodb@7.8.0'

/** Whether that is why something failed. */
export function isMissing(error: unknown): boolean {
  const { message, code } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes("'mongodb'")
}

/**
 * The driver's own defaults wait for ever where a sink must not. What the URL says goes first. `timeoutMS` is not among
 * them: in 7.8 it ends nothing when a server hangs.
 */
const PATIENCE: MongoClientOptions = {
  appName: 'eventstorm',
  serverSelectionTimeoutMS: 2000,
  connectTimeoutMS: 5000,
  heartbeatFrequencyMS: 2000,
  socketTimeoutMS: 10_000,
  waitQueueTimeoutMS: 10_000,
  maxPoolSize: 8,
}

/**
 * A client that is connected. Always a fresh one: after a first connect that failed a client answers "Topology is closed"
 * for good.
 */
export async function connect({ url }: Place, more: MongoClientOptions = {}): Promise<MongoClient> {
  const { MongoClient } = await import('mongodb')
  const said = new Set([...new URLSearchParams(url.split('?')[1])].map(([name]) => name.toLowerCase()))
  const patience = Object.entries(PATIENCE).filter(([name]) => !said.has(name.toLowerCase()))
  const client = new MongoClient(url, { ...Object.fromEntries(patience), ...more })
  try {
    return await client.connect()
  } catch (error) {
    void client.close().catch(() => {})
    throw error
  }
}
