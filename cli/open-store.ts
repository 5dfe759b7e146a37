import { codeOf, EventstormError, pause, type StoreReader, show, systemClock } from '../lib/index.js'
import { resolveComponent } from './resolve.js'

/**
 * What answers questions about a store: its sink, a colon, and what that sink wants, such as `segments:DIR`.
 *
 * @throws COMPONENT_NOT_FOUND, COMPONENT_INVALID, QUERY_INVALID, STORE_FAILED
 */
export async function openStore(store: string): Promise<StoreReader> {
  // mongodb+srv://host/db is a store of mongodb.
  const name = store.replace(/:.*$/s, '').replace(/\+\w+$/, '')
  const { reader } = await resolveComponent('sink', name)
  if (reader) return reader(store)
  throw new EventstormError('QUERY_INVALID', `the sink ${show(name)} is no store that can be asked`)
}

/** How long a store may take to be there, and the time between two looks; milliseconds. */
const THERE_WITHIN = 2000
const LOOK_EVERY = 20

/**
 * As `openStore`, for a part of a pipeline: parts start side by side, and the one that makes the store may be a moment
 * behind the one that asks it.
 */
export async function openStoreSoon(store: string): Promise<StoreReader> {
  for (let waited = 0; ; waited += LOOK_EVERY) {
    try {
      return await openStore(store)
    } catch (error) {
      if (codeOf(error) !== 'STORE_FAILED' || waited >= THERE_WITHIN) throw error
    }
    await pause(systemClock, LOOK_EVERY)
  }
}
