import type { DuckDBConnection } from '@duckdb/node-api'

/** Milliseconds. */
const AGAIN = 20

/**
 * Does something with a connection, which is interrupted when `signal` aborts.
 * @throws the reason of `signal` when that was why it failed
 */
export async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  // Before the query has begun an interrupt does nothing, so it is repeated until the query has ended.
  let again: NodeJS.Timeout | undefined
  const abort = () => {
    connection.interrupt()
    again = setInterval(() => connection.interrupt(), AGAIN)
  }
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
    clearInterval(again)
  }
}
