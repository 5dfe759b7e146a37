/** The part of the untyped npm package `tail` that a bench uses. */
declare module 'tail' {
  export class Tail {
    constructor(path: string, options: { fromBeginning?: boolean; follow?: boolean })
    on(event: 'line', listener: (line: string) => void): this
    on(event: 'error', listener: (error: unknown) => void): this
  }
}
