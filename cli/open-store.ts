import { EventstormError, type StoreReader, show } from '../lib/index.js'
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
