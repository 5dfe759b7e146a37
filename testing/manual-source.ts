import type { Emit, NewEvent, SourceComponent, SourceContext } from '../lib/index.js'

/**
 * A source that emits what a test tells it to; in the place of one that follows a log, say.
 *
 *     const web = new ManualSource()
 *     await using source = await startSource(web, { connect: [...sink.endpoints] })
 *     await web.listenedTo('http.hit')
 *     web.emit({ type: 'http.hit', data: { status: 200 } })
 */
export class ManualSource implements SourceComponent {
  #emit: Emit | undefined
  #context: SourceContext | undefined

  open(emit: Emit, context: SourceContext): void {
    this.#emit = emit
    this.#context = context
  }

  close(): void {
    this.#emit = undefined
  }

  /**
   * Emits one event now.
   * @returns whether somebody has asked for its type; false before it is opened and after it is closed, too
   * @throws as `EventSource.emit` does
   */
  emit(event: NewEvent): boolean {
    return this.#emit?.(event) ?? false
  }

  /** Resolves once somebody listens to events of that type; what is emitted before is sent to nobody. */
  async listenedTo(type: string): Promise<void> {
    if (this.#context === undefined) throw new Error('expected the source to be started before')
    await this.#context.subscribed(type, Number.MAX_SAFE_INTEGER)
  }

  /** As a source does whose file was read to the end: the framework drains it, and it ends. */
  finish(): void {
    this.#context?.finish()
  }

  /** As a source does that breaks: it closes, and its `ended` rejects with the error. */
  fail(error: unknown): void {
    this.#context?.fail(error)
  }
}
