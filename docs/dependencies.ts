import { readFileSync } from 'node:fs'

interface Entry {
  version: string
  license?: string
  dev?: boolean
  devOptional?: boolean
  peer?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
}

interface Root {
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

/** What each is there for; one that is not said here is not let in. */
const PURPOSES: Record<string, string> = {
  '@duckdb/node-api': 'DuckDB, for sinks/segments',
  '@opentelemetry/api': 'examples beside a metric, which are not used',
  '@pinojs/redact': 'hides members of log lines',
  'atomic-sleep': 'waits while a log cannot be written',
  bintrees: 'sorted trees, for quantiles',
  bson: 'BSON, the data on the wire',
  'cassandra-driver': 'Cassandra, for sinks/cassandra',
  'cmake-ts': 'finds the binary of zeromq for this platform',
  commander: 'flags of the command line',
  mongodb: 'MongoDB, for sinks/mongodb',
  'node-addon-api': 'headers, for who builds zeromq',
  'on-exit-leak-free': 'writes out a log when a process ends',
  picocolors: 'colours in a terminal',
  pino: 'structured logs',
  'pino-abstract-transport': 'log transports, which are not used',
  'pino-std-serializers': 'errors in log lines',
  'process-warning': 'warnings of pino about its use',
  'prom-client': 'metrics, as Prometheus reads them',
  'quick-format-unescaped': 'log texts with places in them',
  'real-require': 'loads log transports',
  'safe-stable-stringify': 'JSON of what has cycles',
  'sonic-boom': 'writes log lines',
  split2: 'lines of a stream, for log transports',
  systeminformation: 'figures of this machine, for sources/system',
  tdigest: 'quantiles of metrics',
  'thread-stream': 'log transports in a thread',
  ws: 'WebSockets, for sinks/websocket',
  yaml: 'pipeline files',
  zeromq: 'ZeroMQ, all sockets of the bus',
  zod: 'options and their checks',
}

/** What has code that is no JavaScript, looked at by hand. */
const NATIVE: Record<string, string> = {
  '@duckdb/node-api': 'DuckDB, ready-made in packages of its own',
  zeromq: 'libzmq 4.3.5 with libsodium, ready-made in the package; runs without its script',
}

/**
 * All packages that run where eventstorm is installed, from the lock file: what brought them, what for, who keeps them, and
 * what they run. Behind them those that are installed by who wants them, without what they bring.
 */
export function dependenciesTable(root: URL): string {
  const read = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
  const lock: { packages: Record<string, Entry> } = read('package-lock.json')
  const { dependencies, peerDependencies } = lock.packages[''] as unknown as Root
  const all = Object.entries(lock.packages).filter(
    ([path, each]) => path !== '' && !each.dev && !each.devOptional && !each.peer,
  )
  const wanted = Object.keys(peerDependencies).map((name) => `node_modules/${name}`)
  const nameOf = (path: string) => path.replace(/^.*node_modules\//, '')
  const row = (path: string, by: string) => {
    const name = nameOf(path)
    const { version, license, hasInstallScript } = lock.packages[path]!
    const purpose = PURPOSES[name]
    if (purpose === undefined) throw new Error(`expected docs/dependencies.ts to say what ${name} is for`)
    const cells = [name, version, license, by, purpose, keeper(read(`${path}/package.json`).repository)]
    return `| ${[...cells, hasInstallScript ? 'yes' : 'none', NATIVE[name] ?? 'none'].join(' | ')} |`
  }
  const rows = all.map(([path]) => {
    const name = nameOf(path)
    const users = all.filter(([, each]) => name in (each.dependencies ?? {})).map(([each]) => nameOf(each))
    return row(path, name in dependencies ? 'eventstorm' : users.join(', '))
  })
  const heading = [
    '| package | version | licence | needed by | for | kept at GitHub by | install script | native code |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  return [...heading, ...rows, ...wanted.map((path) => row(path, 'who wants it'))].join('\n')
}

/** Owner and name of a repository, out of any way to write its address. */
function keeper(repository: string | { url: string }): string {
  const address = typeof repository === 'string' ? repository : repository.url
  return /[\w-]+\/[\w.-]+?(?=(\.git)?$)/.exec(address)![0]
}
