import { readFileSync } from 'node:fs'
import type { Client } from 'cassandra-driver'
import type { Address } from './address.js'
import { loadDriver } from './driver.js'

/** A client that is not connected yet. */
export async function newClient(address: Address): Promise<Client> {
  const { auth, Client, policies, types } = await loadDriver()
  const { hosts, port, user, password, parameters } = address
  const { datacenter, consistency, timeout, tls, ca } = parameters
  const levels = types.consistencies
  const level = consistency.toLowerCase().replace(/_(\w)/, (_, letter: string) => letter.toUpperCase())
  const client = new Client({
    contactPoints: hosts,
    localDataCenter: datacenter,
    // Version 4 is the newest that both the driver and Cassandra speak; asked for, it saves looking for others.
    protocolOptions: { port, maxVersion: 4 },
    ...(user !== undefined && { authProvider: new auth.PlainTextAuthProvider(user, password ?? '') }),
    ...(tls === 'true' && { sslOptions: ca === undefined ? {} : { ca: [readFileSync(ca)] } }),
    socketOptions: { readTimeout: timeout, connectTimeout: timeout },
    queryOptions: {
      prepare: true,
      // The same row written twice is one row.
      isIdempotent: true,
      consistency: levels[level as keyof typeof levels],
    },
    policies: { reconnection: new policies.reconnection.ExponentialReconnectionPolicy(200, 5000) },
    monitorReporting: { enabled: false },
  })
  // When a node comes back, the driver (4.10) may put another object in its host's place, and the one before would dial
  // for ever, also when the client was shut down.
  client.on('hostRemove', (host: { shutdown(wait: boolean): Promise<void> }) => {
    host.shutdown(false).catch(() => {})
  })
  return client
}
