import { EventstormError, reason } from '../../lib/index.js'

/** What to do when the driver, an optional dependency, is not there. */
const INSTALL = 'npm install cassandra-driver'

/** Loads it when it is needed first. @throws STORE_FAILED when it is not installed */
export async function loadDriver(): Promise<typeof import('cassandra-driver')> {
  try {
    return (await import('cassandra-driver')).default as typeof import('cassandra-driver')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ERR_MODULE_NOT_FOUND' ? `is not installed: ${INSTALL}` : reason(error)
    throw new EventstormError(
      'STORE_FAILED',
      `Cassandra needs the package cassandra-driver, which ${why}`,
      error,
    )
  }
}
