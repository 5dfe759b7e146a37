import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what is built stays: outside of the checkout, so that a clean checkout builds nothing twice. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.EVENTSTORM_SERVERS) return env.EVENTSTORM_SERVERS
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'eventstorm', 'servers')
}

export interface Recipe {
  name: string
  /** The folder of the recipe. */
  from: string
  /** The files in it that decide what is built. */
  files: string[]
  /** Makes everything in `into`, which is renamed afterwards. */
  build(from: string, into: string): Promise<void>
}

/**
 * The folder with what a recipe makes: built when it is not there, once however many processes ask for it at the same
 * time, and complete as soon as it has its name. A changed recipe has another folder.
 */
export async function built({ name, from, files, build }: Recipe, cache = cacheFolder()): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(from, file)))
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const unlock = await lock(join(cache, `${name}.lock`))
  try {
    if (existsSync(folder)) return folder
    process.stderr.write(`servers: building ${name} into ${folder}, once; this can take minutes\n`)
    const into = await mkdtemp(join(cache, `${name}-building-`))
    try {
      await build(from, into)
      await rename(into, folder)
    } finally {
      await rm(into, { recursive: true, force: true })
    }
    return folder
  } finally {
    await unlock()
  }
}

/** Holds a lock of the kernel, which ends with this process at the latest. */
async function lock(path: string): Promise<() => Promise<void>> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(([code]) => {
      throw new Error(`flock ${path} ended with ${code}`)
    }),
  ])
  return async () => {
    const gone = once(holder, 'exit')
    holder.stdin.end()
    await gone
  }
}

/** Runs one step of a build. @throws with the last of what it printed, when it fails */
export async function step(
  [program, ...args]: [string, ...string[]],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4096)
    })
  }
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}\n${output}`)
}
