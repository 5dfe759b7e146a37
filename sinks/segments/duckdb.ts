import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { WorkerSettings } from './channel.js'
import { spillFolder } from './spill.js'
import { quote } from './sql.js'

/** What sorting a whole hour may take of the disk. */
const SPILL = '4GiB'
/** Shares of the memory. */
const WRITING = 0.4
const MERGING = 0.6

type Settings = Pick<WorkerSettings, 'path' | 'memory' | 'writer'>
type Opened = { instance: DuckDBInstance; connection: DuckDBConnection }

/** A DuckDB that events are kept in until they are in a file. */
export const openForWriting = (settings: Settings): Promise<Opened> => open(settings, WRITING, {})

/** A DuckDB that makes one file of several; what does not fit into its memory goes to the disk. */
export const openForMerging = (settings: Settings): Promise<Opened> =>
  open(settings, MERGING, {
    temp_directory: spillFolder(settings),
    max_temp_directory_size: SPILL,
  })

/** With its share of the memory, and able to reach nothing outside of the folder. */
async function open(
  { path, memory }: Settings,
  share: number,
  more: Record<string, string>,
): Promise<Opened> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor((memory * share) / 1024 ** 2)}MiB`,
    threads: '1',
    // What a file or a merge took goes back to the system soon, and not when its allocator comes to it.
    allocator_background_threads: 'true',
    allocator_flush_threshold: '16MiB',
    allocator_bulk_deallocation_flush_threshold: '64MiB',
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    temp_directory: '',
    // It keeps pieces of files that were merged and removed long ago, until the limit of memory is reached.
    enable_external_file_cache: 'false',
    ...more,
  })
  const connection = await instance.connect()
  await connection.run(`SET allowed_directories = [${quote(path)}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  return { instance, connection }
}
