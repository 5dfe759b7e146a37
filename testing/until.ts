/**
 * Waits until something has become true, looking again every few milliseconds: for things that other
 * processes, sockets and servers do. Fails with what was waited for after `timeout` milliseconds.
 */
export async function until(what: string, condition: () => unknown, timeout = 15_000): Promise<void> {
  const deadline = performance.now() + timeout
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
