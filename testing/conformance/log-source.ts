import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceDefinition } from '../../lib/index.js'
import type { Check } from './check.js'
import { conformsAsSource } from './source.js'

/** What is to be known of a log source, to check it. */
export interface LogSourceConformance {
  /** The default export of the source's module, whose options have those of `followOptions`. */
  definition: SourceDefinition
  /** A line that makes exactly one event, by its number from 0 on; without its line feed. */
  line(number: number): string
  /** The source's options besides those of the file. Default: none. */
  options?: Record<string, unknown>
  /** Lines that must be counted as unparsed. Default: some that no log has. */
  bad?: readonly string[]
  /** Options that have to be refused. Default: an unknown one, none of the files, and two ways of reading at once. */
  refused?: Record<string, unknown>[]
}

/** Bytes below 32, no text in UTF-8 (as latin1), a line that is long, and one that is nothing. */
const BAD = ['\x00\x01\x02', '\xff\xfe\xfd', 'x'.repeat(20_000), 'this is no line of this log']

/**
 * What a source has to hold that is made with `logSource` of `eventstorm/follow`: all of `conformsAsSource`, in a folder
 * with a log of its own.
 *
 *     const line = (n: number) => `192.0.2.1 - - [31/Jan/2026:12:00:07 +0000] "GET /${n} HTTP/1.1" 200 6 "-" "-"`
 *     for (const { name, run } of conformsAsLogSource({ definition: nginx, line })) test(name, run)
 */
export function conformsAsLogSource(conformance: LogSourceConformance): Check[] {
  const { definition, line, options = {}, bad = BAD } = conformance
  let lines = 0
  const next = (amount: number) => Array.from({ length: amount }, () => `${line(lines++)}\n`).join('')
  const append = (file: string, text: string) => appendFile(file, text, 'latin1')
  return conformsAsSource({
    definition,
    async begin() {
      const folder = await mkdtemp(join(tmpdir(), 'eventstorm-log-'))
      const file = join(folder, 'the.log')
      await writeFile(file, '')
      return {
        file,
        options: { ...options, file },
        end: () => rm(folder, { recursive: true, force: true }),
      }
    },
    async feed(amount, { scene }) {
      await append(scene.file, next(amount))
      return amount
    },
    async spoil({ scene }) {
      await append(scene.file, `${bad.join('\n')}\n`)
      return { unparsed: bad.length }
    },
    async finite({ file }) {
      await append(file, next(20))
      return { once: true }
    },
    refused: conformance.refused ?? [
      { ...options, file: [] },
      { ...options, file: 'x', once: true, replay: 1 },
    ],
  })
}
