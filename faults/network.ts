import { execFileSync, spawnSync } from 'node:child_process'
import type { Bus } from './bus.js'
import { PAD, RATE, type Scenario, type Terms } from './scenario.js'

/** Runs a program of iproute2; throws with what it said. */
const run = (command: string) => {
  const [program, ...words] = command.split(' ') as [string, ...string[]]
  execFileSync(program, words, { stdio: 'pipe' })
}

const works = (command: string) => {
  const [program, ...words] = command.split(' ') as [string, ...string[]]
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
}

let made = 0

/** A machine for the router with a wire to one for the sources and one to that of the sinks; all of the kernel's own. */
class Wires implements Disposable {
  #prefix = `storm-${process.pid}-${made++}`
  readonly router = `${this.#prefix}-r`
  readonly sources = `${this.#prefix}-s`
  readonly sinks = `${this.#prefix}-t`

  constructor() {
    for (const name of [this.router, this.sources, this.sinks]) {
      run(`ip netns add ${name}`)
      run(`ip -n ${name} link set lo up`)
    }
    this.#wire('sources', 'toSources', '10.99.1')
    this.#wire('sinks', 'toSinks', '10.99.2')
  }

  #wire(end: 'sources' | 'sinks', device: string, net: string): void {
    const far = this[end]
    run(`ip -n ${this.router} link add ${device} type veth peer name out netns ${far}`)
    run(`ip -n ${this.router} addr add ${net}.1/24 dev ${device}`)
    run(`ip -n ${far} addr add ${net}.2/24 dev out`)
    run(`ip -n ${this.router} link set ${device} up`)
    run(`ip -n ${far} link set out up`)
  }

  through(name: string): string[] {
    return ['/usr/bin/env', 'ip', 'netns', 'exec', name]
  }

  /** No packet passes, no connection is told. */
  cut(device: 'toSources' | 'toSinks', isCut: boolean): void {
    run(`ip -n ${this.router} link set ${device} ${isCut ? 'down' : 'up'}`)
  }

  /** What the wire does to packets on their way out of the router's machine, and back. */
  spoil(far: 'sources' | 'sinks', how: string): void {
    const device = far === 'sources' ? 'toSources' : 'toSinks'
    run(`tc -n ${this.router} qdisc replace dev ${device} root ${how}`)
    run(`tc -n ${this[far]} qdisc replace dev out root ${how}`)
  }

  heal(far: 'sources' | 'sinks'): void {
    const device = far === 'sources' ? 'toSources' : 'toSinks'
    run(`tc -n ${this.router} qdisc del dev ${device} root`)
    run(`tc -n ${this[far]} qdisc del dev out root`)
  }

  [Symbol.dispose](): void {
    for (const name of [this.router, this.sources, this.sinks]) works(`ip netns del ${name}`)
  }
}

/** Why something cannot be done to the network here; makes a network namespace and tries. */
function unable(qdisc?: string): string | undefined {
  const name = `storm-probe-${process.pid}`
  if (!works(`ip netns add ${name}`)) return 'network namespaces are not permitted here (ip netns add)'
  try {
    if (!works(`ip -n ${name} link add probe type veth peer name other`)) return 'no veth devices here'
    if (qdisc === undefined) return
    return works(`tc -n ${name} qdisc add dev probe root ${qdisc}`)
      ? undefined
      : `no tc ${qdisc} in this kernel`
  } finally {
    works(`ip netns del ${name}`)
  }
}

/** Queues that overflow in a partition of some seconds. */
const SHORT = { sendHighWaterMark: 1000 }
const NETEM = 'netem delay 20ms 10ms loss 5%'
/** Packets beyond what fits into the short queue are lost, as on a real wire that is too thin. */
const THIN = 'tbf rate 20mbit burst 16kb limit 30kb'

/** Sources, a router and sinks, each on a machine of its own with real addresses. */
async function apart(bus: Bus, wires: Wires, pad: number): Promise<void> {
  const ends = { bindSources: ['tcp://10.99.1.1:5555'], bindSinks: ['tcp://10.99.2.1:5556'], insecure: true }
  const router = await bus.router({ ...SHORT, ...ends }, wires.through(wires.router))
  for (const name of ['a', 'b'])
    await bus.sink(name, ['tcp://10.99.2.1:5556'], {}, wires.through(wires.sinks))
  await bus.joined(router, 2)
  const start = (name: string) =>
    bus.source(name, ['tcp://10.99.1.1:5555'], SHORT, wires.through(wires.sources))
  await bus.flow([await start('s0'), await start('s1')], RATE, pad)
  await bus.traffic(1000)
  await bus.flowing()
  bus.noteMemory()
}

async function partition(bus: Bus, { random, times }: Terms, device: 'toSources' | 'toSinks') {
  const wires = bus.own(new Wires())
  await apart(bus, wires, PAD)
  for (let i = 0; i < times(1, 5); i++) {
    wires.cut(device, true)
    await bus.traffic(4000 + random() * 4000)
    wires.cut(device, false)
    await bus.traffic(3000)
  }
}

async function spoiled(bus: Bus, how: string, { times }: Terms) {
  const wires = bus.own(new Wires())
  await apart(bus, wires, PAD)
  for (const far of ['sources', 'sinks'] as const) {
    wires.spoil(far, how)
    await bus.traffic(times(5000, 50_000))
    wires.heal(far)
  }
}

export const network: Scenario[] = [
  {
    name: 'sources cut off from the router',
    unable,
    run: (bus, terms) => partition(bus, terms, 'toSources'),
  },
  {
    name: 'sinks cut off from the router',
    unable,
    run: (bus, terms) => partition(bus, terms, 'toSinks'),
  },
  {
    name: 'a wire that delays and loses packets',
    unable: () => unable(NETEM),
    run: (bus, terms) => spoiled(bus, NETEM, terms),
  },
  {
    name: 'a wire that is too thin, and loses packets',
    unable: () => unable(THIN),
    run: (bus, terms) => spoiled(bus, THIN, terms),
  },
]
