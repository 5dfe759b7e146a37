import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The transports that everything is tested over. */
export const TRANSPORTS = ['tcp', 'ipc', 'inproc'] as const
/** One of `TRANSPORTS`. */
export type Transport = (typeof TRANSPORTS)[number]

/**
 * An endpoint to bind that nobody else uses. For tcp the system chooses the port: read the real endpoint from
 * what was bound.
 */
export function freeEndpoint(transport: Transport = 'tcp'): string {
  if (transport === 'tcp') return 'tcp://127.0.0.1:0'
  const name = `storm-${randomUUID().slice(0, 13)}`
  return transport === 'ipc' ? `ipc://${join(tmpdir(), name)}` : `inproc://${name}`
}
