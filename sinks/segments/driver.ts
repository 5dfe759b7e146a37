/** What to do when DuckDB, an optional dependency, is not there. */
export const INSTALL = 'npm install @duckdb/node-api'

/** Whether that is why something failed. */
export function isMissing(error: unknown): boolean {
  const { message, code } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes('@duckdb/')
}
