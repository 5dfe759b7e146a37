import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { step } from '../build.js'
import { freePort } from '../free-port.js'
import { recipeFolder } from '../recipe-folder.js'
import { ServerKind } from '../server-kind.js'
import { ServerProcess } from '../server-process.js'
import { findJava } from './jdk.js'
import { answers, nodeCommand, tokens } from './node.js'

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** What runs this version of Cassandra: no other does. */
const JAVA = 17

/** One node, which is a cluster. */
export const cassandra = new ServerKind({
  name: 'cassandra',
  scheme: 'cassandra',
  programs: ['mvn'],
  obstacle: () => (findJava(JAVA) ? undefined : `cassandra needs a JDK ${JAVA}, and no other`),
  from: recipeFolder('cassandra'),
  files: ['pom.xml', 'logback.xml'],
  async build(from, into) {
    await step(['mvn', '-q', '-B', COPY, `-DoutputDirectory=${join(into, 'lib')}`], from)
    await copyFile(join(from, 'logback.xml'), join(into, 'logback.xml'))
  },
  async command({ built, host, port, data }) {
    const storagePort = await freePort(host)
    const java = findJava(JAVA)!
    return nodeCommand({ built, java, host, port, storagePort, token: tokens(1)[0]!, seed: host, data })
  },
  ready: ({ host, port }) => answers(host, port),
  timeout: 180_000,
})

/** Several nodes that are one cluster, on 127.0.0.1 and the addresses after it. */
export interface CassandraCluster extends AsyncDisposable {
  /** With all hosts. */
  readonly url: string
  readonly hosts: string[]
  readonly port: number
  readonly nodes: ServerProcess[]
}

/** Starts a cluster; resolves when every node answers. Needs a machine whose whole 127.0.0.0/8 is its own, as Linux has it. */
export async function startCluster(count: number): Promise<CassandraCluster> {
  const built = await cassandra.prepare()
  const java = findJava(JAVA)!
  const hosts = Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}`)
  const [port, storagePort] = [await freePort(...hosts), await freePort(...hosts)]
  const folder = await mkdtemp(join(tmpdir(), 'eventstorm-cassandra-'))
  const nodes: ServerProcess[] = []
  const start = async (host: string, i: number) => {
    const data = join(folder, host)
    const ring = { port, storagePort, token: tokens(count)[i]!, seed: hosts[0]! }
    nodes[i] = await ServerProcess.start({
      name: `cassandra on ${host}:${port}`,
      command: await nodeCommand({ built, java, host, data, ...ring }),
      ready: () => answers(host, port),
      timeout: 180_000,
    })
  }
  const end = async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    // The first one tells the others who there is; one that finds nobody gives up.
    await start(hosts[0]!, 0)
    const others = await Promise.allSettled(hosts.slice(1).map((host, i) => start(host, i + 1)))
    for (const each of others) if (each.status === 'rejected') throw each.reason
  } catch (error) {
    await end()
    throw error
  }
  return { url: `cassandra://${hosts.join(',')}:${port}`, hosts, port, nodes, [Symbol.asyncDispose]: end }
}
