import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventstormError, newKeyPair, reason, show, z } from '../../lib/index.js'
import { checked } from '../grammar/component-command.js'
import { addExamples, createCommand } from '../grammar/create-command.js'
import { addFlags, readFlags } from '../grammar/flags.js'

const keygenOptions = z.strictObject({
  out: z.string().min(1).default('.').meta({
    description: 'Folder in which the two files are written.',
    argument: 'folder',
  }),
})

const NAME = /^[\w.@-]+$/

export const keygenCommand = () => {
  const command = createCommand('keygen')
    .description(
      'Make a key pair: NAME.key, which stays secret, and NAME.pub, for those who shall know NAME.',
    )
    .argument('<name>', 'what it is called in lists of keys and in logs')
    .action((name: string) => {
      if (!NAME.test(name) || name === 'types') {
        throw new EventstormError(
          'KEY_INVALID',
          `expected a name of letters, digits and . _ @ - that is not "types", got ${show(name)}`,
        )
      }
      const { out } = checked(keygenOptions, readFlags(command, keygenOptions))
      const { publicKey, secretKey } = newKeyPair()
      const [secretFile, publicFile] = [join(out, `${name}.key`), join(out, `${name}.pub`)]
      write(secretFile, 0o600, [
        `# The key pair of ${name}. Whoever can read it can pass for ${name}.`,
        `public ${publicKey}`,
        `secret ${secretKey}`,
      ])
      write(publicFile, 0o644, [`${name} ${publicKey}`])
      process.stdout.write(`${secretFile}  keep it secret; --key ${secretFile}\n`)
      process.stdout.write(
        `${publicFile}  give it to whoever listens (a line of its list) or dials (--server-key)\n`,
      )
    })
  addFlags(command, 'Options:', keygenOptions)
  return addExamples(command, [
    ['eventstorm keygen router', 'router.key and router.pub'],
    ['eventstorm keygen web-1 --out keys', ''],
    ['cat keys/*.pub > sources.allow', 'a list of those who may dial in'],
  ])
}

/** A file that is there already is somebody's key. */
function write(path: string, mode: number, lines: string[]): void {
  try {
    writeFileSync(path, `${lines.join('\n')}\n`, { mode, flag: 'wx' })
  } catch (error) {
    throw new EventstormError('KEY_INVALID', `cannot write ${path}: ${reason(error)}`, error)
  }
}
