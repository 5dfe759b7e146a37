import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, RATE, running, type Scenario } from './scenario.js'

const SIZE = 16 * 1024 * 1024

/** A small file system in memory. @throws where nobody may mount one */
class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'storm-disk-'))
  #filler = join(this.path, 'filler')

  constructor() {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', this.path], { stdio: 'pipe' })
    } catch (error) {
      rmdirSync(this.path)
      throw error
    }
  }

  /** Takes all the room there is. */
  fill(): void {
    const piece = Buffer.alloc(4096)
    try {
      for (;;) writeFileSync(this.#filler, piece, { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  empty(): void {
    rmSync(this.#filler)
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path])
    rmdirSync(this.path)
  }
}

function unable(): string | undefined {
  try {
    new SmallDisk()[Symbol.dispose]()
    return undefined
  } catch {
    return 'a small file system cannot be mounted here'
  }
}

export const disk: Scenario[] = [
  {
    name: 'full disk under a store',
    unable,
    async run(bus, { times }) {
      const small = bus.own(new SmallDisk())
      const { ends, sources } = await running(bus)
      // The queue is short, so that it overflows, and what was taken is written soon.
      const words = ['--path', join(small.path, 'store'), '--queue-events', '5000', '--roll', '200ms']
      bus.programSink('store', ['segments', ...words], ends.sinks)
      await bus.isNamed('store', 'alive')
      for (let i = 0; i < times(1, 5); i++) {
        await bus.flow(sources, RATE)
        await bus.flowing()
        bus.noteMemory()
        small.fill()
        await bus.isNamed('store', 'down')
        const before = bus.dropped('store')
        await bus.passes('what does not fit its queue is dropped', () => bus.dropped('store') > before)
        small.empty()
        await bus.isNamed('store', 'alive')
        await bus.flowing()
      }
      const lost = bus.at('a').lost + bus.at('b').lost + bus.at('store').lost
      expect(lost === 0, 'nothing to be lost on the way')
    },
  },
]
