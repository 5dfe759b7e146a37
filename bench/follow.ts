/**
 * Followers of a log through the same script of rotations: how many lines they lose, double or damage, also when they
 * are killed and started again; and how fast they read what is there already.
 */
import { type ChildProcess, fork } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lineOf } from './follow-line.js'
import { finish, type Row, table } from './report.js'
import { quick, size } from './size.js'

const FOLLOWERS = ['tail', 'tail-file', 'eventstorm']
const BULK = size('BENCH_LINES', 1_000_000, 10_000)
const STEPS = quick ? 10 : 60
const LINES_A_STEP = 400
/** Milliseconds in which every follower has read what there is. */
const QUIET = quick ? 300 : 1500
/** Milliseconds after which nobody waits any more for lines that have not come; ours must come. */
const PATIENCE = quick ? 1500 : 6000
const OUR_PATIENCE = 30_000

const folder = mkdtempSync(join(tmpdir(), 'storm-follow-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** One program on one log, which can be killed and started again. */
class Follower {
  readonly log: string
  readonly #notes: string
  readonly #role: string
  #child: ChildProcess | undefined

  constructor(role: string, name: string) {
    this.#role = role
    this.log = join(folder, `${name}-${role}.log`)
    this.#notes = `${this.log}.notes`
    writeFileSync(this.#notes, '')
  }

  start(): void {
    const roles = fileURLToPath(new URL('./follow-roles.js', import.meta.url))
    this.#child = fork(roles, [this.#role, this.log, this.#notes], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** What it noted: each number it saw, and how many lines were no line. */
  seen(): { numbers: Uint32Array; damaged: number } {
    const notes = readFileSync(this.#notes, 'latin1').split('\n')
    const numbers = notes.filter((note) => note !== '' && note !== 'x').map(Number)
    return { numbers: Uint32Array.from(numbers), damaged: notes.filter((note) => note === 'x').length }
  }

  /** Waits until nothing has been noted for a while; for longer, as long as some of the lines have not come. */
  async settle(lines: number): Promise<void> {
    let noted = -1
    const patience = this.#role === 'eventstorm' ? OUR_PATIENCE : PATIENCE
    for (let waited = 0; waited < patience; waited += QUIET) {
      const { length } = readFileSync(this.#notes)
      if (length === noted) {
        if (new Set(this.seen().numbers).size === lines) return
      } else waited = 0
      noted = length
      await pause(QUIET)
    }
  }
}

/** Writes lines to a log as a daemon and its logrotate would; the same steps for every follower. */
class Writer {
  lines = 0
  readonly #path: string
  #file: number

  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'a')
  }

  /** So many lines, now and then cut in two writes inside a character. */
  write(count: number): void {
    let text = ''
    for (let i = 0; i < count; i++) text += `${lineOf(this.lines++)}\n`
    const bytes = Buffer.from(text)
    const half = bytes.length >> 1
    writeSync(this.#file, bytes.subarray(0, half))
    writeSync(this.#file, bytes.subarray(half))
  }

  /** Renamed; the daemon goes on writing to the old file for a moment, then opens a new one. */
  async rename(): Promise<void> {
    for (let n = 3; n >= 1; n--) {
      if (existsSync(`${this.#path}.${n}`)) renameSync(`${this.#path}.${n}`, `${this.#path}.${n + 1}`)
    }
    renameSync(this.#path, `${this.#path}.1`)
    this.write(20)
    await pause(30)
    this.write(20)
    closeSync(this.#file)
    this.#file = openSync(this.#path, 'a')
  }

  /** Copied and truncated, with a pause before, so that every follower could have read what was there. */
  async copytruncate(): Promise<void> {
    await pause(QUIET)
    copyFileSync(this.#path, `${this.#path}.copy`)
    truncateSync(this.#path)
  }

  close(): void {
    closeSync(this.#file)
  }
}

async function rotations(follower: Follower, restarts: boolean): Promise<Row> {
  const writer = new Writer(follower.log)
  writer.write(10)
  follower.start()
  await follower.settle(10)
  for (let step = 1; step <= STEPS; step++) {
    writer.write(LINES_A_STEP)
    if (step % 15 === 0) await writer.copytruncate()
    else if (step % 5 === 0) await writer.rename()
    if (restarts && step % 20 === 10) {
      await follower.kill()
      writer.write(LINES_A_STEP)
      await writer.rename()
      writer.write(LINES_A_STEP)
      follower.start()
    }
    await pause(40)
  }
  await follower.settle(writer.lines)
  await follower.kill()
  writer.close()
  const { numbers, damaged } = follower.seen()
  const distinct = new Set(numbers).size
  return { written: writer.lines, lost: writer.lines - distinct, doubled: numbers.length - distinct, damaged }
}

async function speed(follower: Follower): Promise<Row> {
  const writer = new Writer(follower.log)
  for (let n = 0; n < BULK; n += 10_000) writer.write(10_000)
  writer.close()
  const start = performance.now()
  follower.start()
  let distinct = 0
  while (distinct < BULK && performance.now() - start < 120_000) {
    await pause(100)
    distinct = follower.seen().numbers.length
  }
  const seconds = (performance.now() - start) / 1000
  await follower.kill()
  const seen = follower.seen()
  return { 'lines/s': Math.round(distinct / seconds), 'damaged in bulk': seen.damaged }
}

const rows: Row[] = []
for (const role of FOLLOWERS) {
  process.stderr.write(`${role}: rotations\n`)
  const plain = await rotations(new Follower(role, 'rotated'), false)
  process.stderr.write(`${role}: rotations and restarts\n`)
  const killed = await rotations(new Follower(role, 'killed'), true)
  process.stderr.write(`${role}: reading\n`)
  const bulk = await speed(new Follower(role, 'bulk'))
  const renamed = Object.fromEntries(Object.entries(killed).map(([key, value]) => [`${key} (killed)`, value]))
  rows.push({ follower: role, ...plain, ...renamed, ...bulk })
}
table(
  'one script of renames, copytruncates and split writes; the same with two kills; reading from the start',
  rows,
)
const ours = rows.find((row) => row.follower === 'eventstorm')!
const right = ours.lost === 0 && ours.doubled === 0 && ours.damaged === 0 && ours['lost (killed)'] === 0
finish('follow', { rows }, right)
