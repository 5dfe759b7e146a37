import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'

/** One node of a cluster. */
export interface Node {
  /** The folder with the jars. */
  built: string
  /** The path of a JDK 17's `java`. */
  java: string
  host: string
  /** For clients, and between nodes; the same on all nodes. */
  port: number
  storagePort: number
  /** Its place on the ring. */
  token: bigint
  /** The host that the others ask who there is. */
  seed: string
  /** A folder of its own. */
  data: string
}

/** Evenly spaced places on the ring of 2^64 tokens. */
export function tokens(nodes: number): bigint[] {
  return Array.from({ length: nodes }, (_, i) => -(2n ** 63n) + (2n ** 64n * BigInt(i)) / BigInt(nodes))
}

/** Writes its settings and returns the command that runs it. */
export async function nodeCommand(node: Node): Promise<[string, ...string[]]> {
  const { built, java, data } = node
  await mkdir(data, { recursive: true })
  const config = join(data, 'cassandra.yaml')
  await writeFile(config, settings(node))
  return [
    java,
    // Small, and quick to start: the tests write little and do not live long.
    ...['-Xms384m', '-Xmx384m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    '-XX:+ExitOnOutOfMemoryError',
    ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...OPENS.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
    `-javaagent:${join(built, 'lib', 'jamm-0.4.0.jar')}`,
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlogback.configurationFile=file://${join(built, 'logback.xml')}`,
    `-Dcassandra.config=file://${config}`,
    `-Dcassandra.storagedir=${data}`,
    `-Dcassandra.logdir=${data}`,
    `-Dcassandra.triggers_dir=${data}`,
    '-Dcassandra-foreground=yes',
    // Nobody else can be on these rings, so there is nothing to wait for.
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=10000',
    '-Dcassandra.superuser_setup_delay_ms=0',
    ...['-cp', join(built, 'lib', '*'), 'org.apache.cassandra.service.CassandraDaemon'],
  ]
}

const settings = ({ host, port, storagePort, token, seed, data }: Node) => `
cluster_name: eventstorm
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
num_tokens: 1
initial_token: "${token}"
auto_bootstrap: false
listen_address: ${host}
rpc_address: ${host}
storage_port: ${storagePort}
native_transport_port: ${port}
start_native_transport: true
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "${seed}"}]}]
data_file_directories: [${data}/data]
commitlog_directory: ${data}/commitlog
saved_caches_directory: ${data}/saved_caches
hints_directory: ${data}/hints
cdc_raw_directory: ${data}/cdc_raw
cdc_enabled: false
commitlog_sync: batch
commitlog_segment_size: 32MiB
memtable_allocation_type: heap_buffers
disk_access_mode: standard
auto_snapshot: false
`

/** As Cassandra's own jvm17-server.options, and two that nodes outside of its scripts need. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.management/com.sun.jmx.remote.security',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
]
const OPENS = [
  'java.base/java.lang.module',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/java.lang.reflect',
  'java.base/java.lang',
  'java.base/java.util',
  'jdk.management/com.sun.management.internal',
  'jdk.compiler/com.sun.tools.javac',
]

/** An OPTIONS request of the native protocol, version 4, without a body. */
const OPTIONS = Buffer.from('040000000500000000', 'hex')
const SUPPORTED = 0x06

/** Resolves when a node answers clients, which it does when it has joined its ring. */
export function answers(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 5000 }, () => socket.write(OPTIONS))
    const end = (error?: Error) => {
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    socket.once('data', (frame) => end(frame[4] === SUPPORTED ? undefined : new Error('no SUPPORTED')))
    socket.once('timeout', () => end(new Error('connected, but no answer to OPTIONS')))
    socket.once('close', () => end(new Error('the connection was closed')))
    socket.once('error', end)
  })
}
