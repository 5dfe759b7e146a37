/** What counts at most as waited between two looks, milliseconds. */
const LONGEST_STEP = 100

/**
 * Waits until something has become true, looking again every few milliseconds: for things that other
 * processes, sockets and servers do. Fails with what was waited for after `timeout` milliseconds, in which it could look.
 */
export async function until(what: string, condition: () => unknown, timeout = 15_000): Promise<void> {
  let waited = 0
  let before = performance.now()
  while (!(await condition())) {
    if (waited > timeout) throw new Error(`waited ${timeout} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const now = performance.now()
    // A process that stood still between two looks has not waited all that time.
    waited += Math.min(now - before, LONGEST_STEP)
    before = now
  }
}
