import type { SourceContext } from '../index.js'

/**
 * Waits until somebody listens to one of these types, `timeout` milliseconds at most, or until `signal` aborts: what
 * is read before is for nobody.
 */
export async function waitForListener(
  types: readonly string[],
  timeout: number,
  context: SourceContext,
  signal: AbortSignal,
): Promise<void> {
  const waits = types.map(async (type) => {
    if (!(await context.subscribed(type, timeout))) throw new Error('nobody')
  })
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  try {
    await Promise.race([stopped, Promise.any(waits)])
  } catch {
    context.log.warn({ subscriberTimeout: timeout }, 'nobody has subscribed in time; reading all the same')
  }
}
