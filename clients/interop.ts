/**
 * What every client has to show with a program of its own, for real: a router in a process, a sink of the TypeScript
 * library behind it that looks at each event, and the program that emits. The program's flags are
 *
 *     --connect ENDPOINT --source NAME --count N [--rate N] [--key FILE --server-key FILE]
 *
 * It waits until somebody wants `interop.event`, emits the events 0 to N - 1 of `wanted.ts`, at most `rate` a second (without
 * it as fast as its own queue takes them), drains, prints its counters as a line of JSON, with at least `sent` in
 * it, and exits with 0.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Audit, type AuditedStream, attach, type EventBatch, subscribe } from '../lib/index.js'
import { freeEndpoint, Remote, until } from '../testing/index.js'
import { TYPE, wantedBytes } from './wanted.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))
const COUNT = 100_000
const PATIENCE = 120_000
/** A bus that loses nothing: room for all that a test sends. */
const ROOMY = { queueEvents: 10 * COUNT, queueBytes: '1GiB' }

/** A program that emits, and what stands in front of the flags. */
export interface Program {
  command: string
  args?: string[]
  env?: Record<string, string>
}

interface Flags {
  connect: string
  source: string
  count: number
  rate?: number
  key?: string
  'server-key'?: string
}

/** The program at work, and what it said at its end. */
class Emitter implements AsyncDisposable {
  #child: ChildProcess
  #output = ''
  #gone: Promise<unknown[]>

  constructor({ command, args = [], env = {} }: Program, flags: Flags) {
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
    this.#child = spawn(command, [...args, ...given], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.#gone = once(this.#child, 'close')
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Waits for its end, and has its counters. */
  async counters(): Promise<Record<string, number>> {
    await until('the program has ended', () => this.#ended, PATIENCE)
    const [code, signal] = await this.#gone
    assert.equal(code, 0, `the program ended with ${code ?? signal}: ${this.#output}`)
    return JSON.parse(this.#output)
  }

  async kill(): Promise<void> {
    assert.equal(this.#child.exitCode, null, 'the program has ended before it was killed')
    this.#child.kill('SIGKILL')
    const [, signal] = await this.#gone
    assert.equal(signal, 'SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }
}

/** Looks at each event: its number is the one it was emitted with, and it is the same to the byte. */
class Inspector {
  /** By epoch: the numbers that came. */
  readonly seen = new Map<number, Set<number>>()
  readonly wrong: string[] = []

  write(batch: EventBatch): void {
    const documents = batch.documents()
    if (batch.undecodable > 0) this.wrong.push(`${batch.undecodable} events cannot be decoded`)
    for (const [at, { type, epoch, seq }] of batch.events().entries()) {
      const numbers = this.seen.get(epoch) ?? new Set()
      this.seen.set(epoch, numbers)
      numbers.add(seq)
      const wanted = wantedBytes(seq)
      if (type === TYPE && Buffer.compare(documents[at]!, wanted) === 0) continue
      const shown = [documents[at]!, wanted].map((bytes) => Buffer.from(bytes).toString('hex'))
      if (this.wrong.length < 3)
        this.wrong.push(`event ${type} ${seq}: got ${shown[0]}, expected ${shown[1]}`)
    }
  }
}

/** Keys for a router, a source and a sink, as `eventstorm keygen` writes them. */
async function keys() {
  const folder = mkdtempSync(join(tmpdir(), 'storm-client-keys-'))
  const file = (name: string) => join(folder, name)
  for (const name of ['router', 'source', 'sink']) {
    await run(process.execPath, [CLI, 'keygen', name, '--out', folder], { timeout: PATIENCE })
  }
  const list = (name: string) => writeFileSync(file(`${name}.allow`), readFileSync(file(`${name}.pub`)))
  list('source')
  list('sink')
  return {
    router: {
      key: file('router.key'),
      allowSources: [file('source.allow')],
      allowSinks: [file('sink.allow')],
    },
    source: { key: file('source.key'), 'server-key': file('router.pub') },
    sink: { key: file('sink.key'), serverKey: [file('router.pub')] },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

const bound = () => ({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })

/** Registers the tests. `program` is called once, when the first of them runs. */
export function interoperability(
  client: string,
  program: () => Program | Promise<Program>,
  { skip = false }: { skip?: string | false } = {},
): void {
  let made: Promise<Program> | undefined
  const ready = () => (made ??= Promise.resolve().then(program))

  for (const secured of [false, true]) {
    const name = `${COUNT} events of ${client} come through a router${secured ? ', with keys' : ''}, each the same to the byte`
    test(name, { skip }, async () => {
      using held = secured ? await keys() : undefined
      const emits = await ready()
      await using router = await Remote.start('router', { ...bound(), ...held?.router })
      const [toSources, toSinks] = router.endpoints as [string, string]
      const inspector = new Inspector()
      await using sink = await attach(inspector, { ...ROOMY, ...held?.sink, connect: [toSinks] })
      const flags = { connect: toSources, source: 'interop', count: COUNT, ...held?.source }
      await using emitter = new Emitter(emits, flags)
      const { sent } = await emitter.counters()
      assert.equal(sent, COUNT)
      await until('all have come', () => sink.counters().written === COUNT, PATIENCE)
      assert.deepEqual(inspector.wrong, [])
      assert.deepEqual(
        [...inspector.seen.values()].map((numbers) => numbers.size),
        [COUNT],
      )
      const { lost, duplicate, late, malformed, dropped } = sink.counters()
      assert.deepEqual([lost, duplicate, late], [0, 0, 0])
      assert.ok([...Object.values(malformed), ...Object.values(dropped)].every((count) => count === 0))
      const [stream] = [...sink.streams()]
      assert.equal(stream!.source, 'interop')
    })
  }

  test(`${client} killed and started again: what was sent, came and was lost adds up`, { skip }, async () => {
    const emits = await ready()
    await using router = await Remote.start('router', bound())
    const [toSources, toSinks] = router.endpoints as [string, string]
    const books = new Audit()
    await using reports = subscribe({ connect: [toSinks], subscribe: ['_report.**'] })
    const reading = (async () => {
      for await (const batch of reports) for (const event of batch) books.take(event, Date.now())
    })()
    const inspector = new Inspector()
    const sink = await attach(inspector, {
      ...ROOMY,
      connect: [toSinks],
      subscribe: [TYPE],
      report: [toSources],
      name: 'sink',
    })
    await using _sink = sink
    const streams = () =>
      books
        .streams(Date.now())
        .filter(({ source }) => source === 'interop')
        .sort((a, b) => a.epoch - b.epoch)
    const flags = { connect: toSources, source: 'interop', rate: 5000 }

    await using first = new Emitter(emits, { ...flags, count: 2 ** 31 - 1 })
    const reported = ({ sent = 0, sinks }: AuditedStream) => sent > 1000 && (sinks[0]?.received ?? 0) > 1000
    await until('both ends have reported', () => streams().some(reported), PATIENCE)
    await first.kill()
    await using second = new Emitter(emits, { ...flags, count: 10_000 })
    const { sent } = await second.counters()
    assert.equal(sent, 10_000)

    const settled = () => {
      const all = streams()
      return all.length === 2 && all.every(({ alive, sinks }) => !alive && sinks[0]?.balance === 0)
    }
    await until('both are known to be dead, and add up', settled, PATIENCE)
    const known = [...sink.streams()].filter(({ source }) => source === 'interop')
    assert.deepEqual(inspector.wrong, [])
    for (const { epoch, received, lost, duplicate } of known) {
      // What the inspector saw by itself, against what the library counted.
      const numbers = inspector.seen.get(epoch)!
      assert.deepEqual([received, duplicate], [numbers.size, 0])
      assert.equal(received + lost, Math.max(...numbers) + 1)
    }
    const [before, after] = streams()
    assert.deepEqual(
      [before, after].map((each) => each!.sinks[0]!.lost),
      [0, 0],
    )
    assert.equal(after!.sent, 10_000)
    assert.equal(after!.sinks[0]!.received, 10_000)
    await reports.close()
    await reading
  })
}
