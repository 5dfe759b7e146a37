/**
 * Programs that follow one log from its start and note which lines they got: `node follow-roles.js <role> <log>
 * <notes>`. Notes are written at once, so that they survive a kill.
 */
import { openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import TailFile from '@logdna/tail-file'
import { Tail } from 'tail'
import { followOptions, logSource } from '../lib/follow/index.js'
import { silent, systemClock, z } from '../lib/index.js'
import { lineOf } from './follow-line.js'

const [role = '', log = '', notes = ''] = process.argv.slice(2)
const out = openSync(notes, 'a')
let pending = ''

/** A number for a line that is whole, `x` for one that is not. */
function note(line: string): void {
  const number = Number(/^line (\d+) /.exec(line)?.[1] ?? Number.NaN)
  if (pending === '') queueMicrotask(write)
  pending += line === lineOf(number) ? `${number}\n` : 'x\n'
}

function write(): void {
  writeSync(out, pending)
  pending = ''
}

const roles: Record<string, () => unknown> = {
  tail() {
    const tail = new Tail(log, { fromBeginning: true, follow: true })
    tail.on('line', note).on('error', () => {})
  },

  async 'tail-file'() {
    const tail = new TailFile(log, { startPos: 0 })
    tail.on('tail_error', () => {})
    createInterface({ input: tail, crlfDelay: Number.POSITIVE_INFINITY }).on('line', note)
    // It gives up on a file that is not there; who uses it would try again.
    for (;;) {
      try {
        return await tail.start()
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  },

  async eventstorm() {
    const options = z.object(followOptions()).parse({
      file: log,
      fromStart: true,
      checkpoint: `${log}.checkpoint`,
      checkpointInterval: 50,
    })
    const parser = () => ({ line: (data: string) => [{ type: 'line', data }] })
    const source = logSource(options, { types: ['line'], parser })
    await source.open(
      ({ data }) => {
        note(data as string)
        return true
      },
      {
        name: 'bench',
        clock: systemClock,
        log: silent,
        finish: () => {},
        fail(error) {
          throw error
        },
        subscribed: async () => true,
        findParser: () => Promise.reject(new Error('not needed')),
      },
    )
  },
}

await roles[role]!()
// Some of them let the process end while their file is away for a moment.
setInterval(() => {}, 1000)
