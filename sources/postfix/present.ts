type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** The same record without the members that are undefined. */
export function present<T extends object>(record: T): Present<T> {
  const result: Record<string, unknown> = {}
  for (const name in record) {
    const value = record[name]
    if (value !== undefined) result[name] = value
  }
  return result as Present<T>
}
