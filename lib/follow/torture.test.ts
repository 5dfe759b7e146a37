import assert from 'node:assert/strict'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ControlledClock, seeded } from '../../testing/index.js'
import { type LineParser, silent } from '../index.js'
import { FollowedParsers } from './followed-parsers.js'
import { FollowedFile, newLogCounters, Places } from './index.js'

const STEPS = 1500
const ROTATIONS_KEPT = 6
const ROTATE_WAIT = 1000

/** Knows the numbers of all lines that it was given, and takes that knowledge through restarts. */
class Rememberer implements LineParser {
  numbers: number[] = []

  line(text: string) {
    this.numbers.push(Number(text.split(' ')[1]))
    return []
  }

  save() {
    return this.numbers
  }

  restore(saved: unknown) {
    this.numbers = saved as number[]
  }
}

/**
 * A writer, a rotation and a reader that take random steps, in an order that a seed decides. The reader may be down
 * for a while or die without a word. What no reader could see does not happen here: files are not deleted before
 * they were seen, and a line is not torn apart by truncating the file in the middle of it.
 */
class Torture {
  log: string
  directory = mkdtempSync(join(tmpdir(), 'storm-torture-'))
  clock = new ControlledClock()
  written: string[] = []
  seen = new Map<string, number>()
  trace: string[] = []
  random: (limit: number) => number
  #writer: number
  /** The rest of a line that was written in part. */
  #rest = Buffer.alloc(0)
  #reader: FollowedFile | undefined
  #places = new Places()
  parser = new Rememberer()
  #parsers!: FollowedParsers
  #saved = '{"places":[],"parsers":[]}'
  /** Lines handed on since the places were saved: a crash may bring them again. */
  #unsaved = new Set<string>()
  mayRepeat = new Set<string>()
  #rotationsSinceSaved = 0
  /** Whether the reader was at the end of everything since the last rotation. */
  #allSeen = false

  constructor(seed: number) {
    const next = seeded(seed)
    this.random = (limit) => Math.floor(next() * limit)
    this.log = join(this.directory, 'a.log')
    this.#writer = openSync(this.log, 'a')
  }

  write(): void {
    for (let count = 1 + this.random(20); count > 0; count--) this.#writeLine()
  }

  #writeLine(): void {
    this.finishPart()
    const line = `line ${this.written.length} ${'é'.repeat(30 + this.random(60))}`
    writeSync(this.#writer, `${line}\n`)
    this.written.push(line)
  }

  /** Half a character may be on the disk, too. */
  writePart(): void {
    this.finishPart()
    const line = `line ${this.written.length} ${'é'.repeat(80)}`
    const bytes = Buffer.from(`${line}\n`)
    // Files that begin with the same few bytes cannot be told apart.
    const at = 64 + this.random(bytes.length - 64)
    writeSync(this.#writer, bytes.subarray(0, at))
    this.#rest = bytes.subarray(at)
    this.written.push(line)
  }

  finishPart(): void {
    if (this.#rest.length > 0) writeSync(this.#writer, this.#rest)
    this.#rest = Buffer.alloc(0)
  }

  #shift(): boolean {
    // The last one is deleted: only when it has been seen, and that it was seen is saved.
    if (this.#rotationsSinceSaved >= ROTATIONS_KEPT - 2) return false
    this.#rotationsSinceSaved++
    this.#allSeen = false
    for (let i = ROTATIONS_KEPT - 1; i > 0; i--) {
      if (existsSync(`${this.log}.${i}`)) renameSync(`${this.log}.${i}`, `${this.log}.${i + 1}`)
    }
    return true
  }

  /** The writer goes on with the old file until it is told to reopen. */
  rename(): void {
    if (!existsSync(this.log) || !this.#shift()) return
    renameSync(this.log, `${this.log}.1`)
  }

  reopen(): void {
    this.finishPart()
    closeSync(this.#writer)
    this.#writer = openSync(this.log, 'a')
  }

  copyTruncate(): void {
    if (!existsSync(this.log)) return
    this.reopen()
    if (!this.#shift()) return
    copyFileSync(this.log, `${this.log}.1`)
    truncateSync(this.log)
    // The steps here follow each other faster than the clock of a file system ticks.
    utimesSync(this.log, this.trace.length, this.trace.length)
  }

  async delete(): Promise<void> {
    if (this.#reader === undefined || !existsSync(this.log)) return
    this.reopen()
    await this.read()
    this.save()
    unlinkSync(this.log)
    // What is written to a deleted file is for nobody; and only what was read of its successor can tell of that.
    this.reopen()
    this.write()
    await this.read()
    this.save()
  }

  async look(): Promise<void> {
    await this.#reader?.look()
  }

  /** Looks, and reads to the end: now everything that lies there has been seen. */
  async read(block = 500 + this.random(20_000)): Promise<void> {
    if (this.#reader === undefined) return
    await this.#reader.look()
    const buffer = Buffer.alloc(block)
    while ((await this.#reader.read(buffer)) > 0);
    // Whoever was in the process of leaving may hold what is new by now.
    await this.#reader.look()
    while ((await this.#reader.read(buffer)) > 0);
    this.#allSeen = true
  }

  async readSome(): Promise<void> {
    await this.look()
    await this.#reader?.read(Buffer.alloc(200 + this.random(2000)))
  }

  save(): void {
    if (this.#reader === undefined) return
    this.#saved = JSON.stringify({ places: this.#places.all(), parsers: this.#parsers.save() })
    this.#unsaved.clear()
    if (this.#allSeen) this.#rotationsSinceSaved = 0
  }

  start(): void {
    if (this.#reader !== undefined) return
    const { places, parsers } = JSON.parse(this.#saved)
    this.#places = new Places(places)
    const make = () => {
      this.parser = new Rememberer()
      return this.parser
    }
    this.#parsers = new FollowedParsers(make, parsers, {
      emit: () => true,
      counters: newLogCounters(),
      log: silent,
    })
    const onLine = this.#parsers.lines(this.log)
    this.#reader = new FollowedFile(
      this.log,
      {
        start: 'beginning',
        maxLineBytes: 4096,
        rotateWait: ROTATE_WAIT,
        clock: this.clock,
        log: silent,
        places: this.#places,
      },
      (line, cut) => {
        onLine(line, cut)
        this.seen.set(line, (this.seen.get(line) ?? 0) + 1)
        this.#unsaved.add(line)
      },
    )
  }

  async stop(): Promise<void> {
    this.save()
    await this.crash()
  }

  async crash(): Promise<void> {
    for (const line of this.#unsaved) this.mayRepeat.add(line)
    this.#unsaved.clear()
    await this.#reader?.close()
    this.#reader = undefined
    this.#allSeen = false
  }

  async wait(): Promise<void> {
    // The writer reopens within the grace time.
    this.reopen()
    await this.read()
    await this.clock.advance(ROTATE_WAIT)
    await this.read()
  }

  async step(): Promise<void> {
    const steps = [
      ...[this.write, this.write, this.write, this.writePart, this.finishPart, this.rename, this.reopen],
      ...[this.copyTruncate, this.delete, this.look, this.read, this.readSome, this.readSome, this.save],
      ...[this.start, this.start, this.start, this.stop, this.crash, this.wait],
    ]
    const step = steps[this.random(steps.length)]!
    this.trace.push(step.name)
    await step.call(this)
  }

  async finish(): Promise<void> {
    this.reopen()
    this.start()
    await this.read()
    await this.#reader!.close()
    closeSync(this.#writer)
    rmSync(this.directory, { recursive: true })
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`every line comes once, whatever happens to the file (seed ${seed})`, async () => {
    const torture = new Torture(seed)
    // Of a file that nothing was ever read of, nobody can tell what became of it.
    torture.write()
    torture.start()
    await torture.read()
    torture.save()
    for (let i = 0; i < STEPS; i++) await torture.step()
    await torture.finish()
    const { written, seen, mayRepeat } = torture
    const missing = written.filter((line) => !seen.has(line))
    const invented = [...seen.keys()].filter((line) => !new Set(written).has(line))
    const repeated = [...seen].filter(([line, times]) => times > 1 && !mayRepeat.has(line))
    assert.deepEqual(
      { missing: missing.length, invented: invented.slice(0, 3), repeated: repeated.length },
      { missing: 0, invented: [], repeated: 0 },
      `first missing: ${missing[0]?.slice(0, 20)}`,
    )
    assert.ok(written.length > STEPS)
    // A crash takes back what the parser knows together with the place in the file, so it has no line twice.
    assert.deepEqual(
      torture.parser.numbers.sort((a, b) => a - b),
      written.map((_, number) => number),
    )
  })
}
