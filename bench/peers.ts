/** What a user would pick instead: real servers on loopback, and their usual clients. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, ServerProcess } from '../servers/index.js'
import { findProgram } from '../servers/programs.js'
import { processTime } from './cpu-time.js'

export interface Peer {
  name: string
  url: string
  /** CPU that its server has used, seconds. */
  cpu(): number
  stop(): Promise<void>
}

interface Kind {
  program: string
  /** Debian's package. */
  package: string
  scheme: string
  /** Nothing is kept on disk, and nothing is thrown away before the window of the bench is full. */
  command(program: string, port: number, folder: string): [string, ...string[]]
}

export const PEERS: Record<string, Kind> = {
  NATS: {
    program: 'nats-server',
    package: 'nats-server',
    scheme: 'nats',
    command: (program, port) => [program, '--addr', '127.0.0.1', '--port', String(port)],
  },
  'Redis pub/sub': {
    program: 'redis-server',
    package: 'redis-server',
    scheme: 'redis',
    command: (program, port, folder) => [
      program,
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'],
      ...['--client-output-buffer-limit', 'pubsub 0 0 0'],
    ],
  },
  'MQTT (Mosquitto)': {
    program: 'mosquitto',
    package: 'mosquitto',
    scheme: 'mqtt',
    command(program, port, folder) {
      const file = join(folder, 'mosquitto.conf')
      writeFileSync(
        file,
        `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nlog_dest none\n`,
      )
      return [program, '-c', file]
    },
  },
}

/** Starts the server of a peer; says why when it cannot be had here. */
export async function startPeer(name: string, scratch: string): Promise<Peer | { missing: string }> {
  const kind = PEERS[name]!
  const program = findProgram(kind.program, `${process.env.PATH}:/usr/sbin`)
  if (program === undefined) return { missing: `no ${kind.program} (apt-get install ${kind.package})` }
  const port = await freePort()
  const folder = join(scratch, kind.program)
  mkdirSync(folder)
  const server = await ServerProcess.start({
    name,
    command: kind.command(program, port, folder),
    ready: () => answers(port),
    timeout: 20_000,
  })
  return {
    name,
    url: `${kind.scheme}://127.0.0.1:${port}`,
    cpu: () => processTime(server.pid!),
    stop: () => server.kill(),
  }
}

function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

/** Installs the clients into bench/peers, which has a lock file of its own. Says why when that failed. */
export function installClients(): string | undefined {
  const folder = fileURLToPath(new URL('../../bench/peers/', import.meta.url))
  const lock = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8')).packages
  const installed = 'node_modules/.package-lock.json'
  if (existsSync(join(folder, installed))) {
    const { '': _, ...wanted } = lock('package-lock.json')
    if (JSON.stringify(Object.keys(wanted)) === JSON.stringify(Object.keys(lock(installed)))) return undefined
  }
  process.stderr.write('installing the clients of NATS, Redis and MQTT into bench/peers\n')
  const { status, stderr } = spawnSync(
    'npm',
    ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts'],
    {
      encoding: 'utf8',
      timeout: 120_000,
    },
  )
  return status === 0 ? undefined : `npm ci --prefix bench/peers failed: ${stderr.trim().slice(-200)}`
}
