/**
 * One thing that a component has to hold. `run` resolves when it does, and rejects with an AssertionError of `node:assert`
 * or an Error that says what was expected when it does not.
 *
 * Any test runner takes them; `node:test` and Vitest, for example, both as
 *
 *     for (const { name, run } of conformsAsSink({ ... })) test(name, run)
 *
 * A check takes from some milliseconds to some seconds, as long as the component's own world does. They are to run one
 * after the other: what is held open is counted for the whole process.
 */
export interface Check {
  name: string
  /** Resolves when it holds, and rejects with what does not. */
  run(): Promise<void>
}

/** What a check has started and ends. */
export interface Closable {
  close(): unknown
}
