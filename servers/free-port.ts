import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const given = new Set<number>()

/**
 * A port that nobody listens at, on any of these addresses, and each time another. Below those that the system gives to
 * connections and to port 0, so that it is still free when a server that was killed is started again.
 */
export async function freePort(...hosts: string[]): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    if (given.has(port)) continue
    given.add(port)
    const free = (hosts.length > 0 ? hosts : ['127.0.0.1']).map((host) => isFree(port, host))
    if ((await Promise.all(free)).every(Boolean)) return port
  }
}

/** So many of them. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()))
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, host)
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return false
  }
}
