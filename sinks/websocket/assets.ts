import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HttpAnswer } from './transport.js'

/** Where the build puts the page. */
const FOLDER = fileURLToPath(new URL('./page/', import.meta.url))

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
}

/** Vite's: a name, a hash of eight characters, an ending. */
const HASHED = /^\/assets\/[\w.-]+-[\w-]{8}\.\w+$/
const PATH = /^(\/[\w-][\w.-]*){1,3}$/

const NOT_BUILT = `The page is not built here: run npm run build. What it would show is at /api/status and /api/history.\n`

/** The files of the page, read once. */
export class Assets {
  #folder: string
  #files = new Map<string, HttpAnswer>()

  constructor(folder = FOLDER) {
    this.#folder = folder
  }

  /** The file at that path; undefined when there is none. */
  async at(path: string): Promise<HttpAnswer | undefined> {
    const name = path === '/' ? '/index.html' : path
    const known = this.#files.get(name)
    if (known) return known
    const type = TYPES[extname(name)]
    if (type === undefined || !PATH.test(name) || name.includes('..')) return undefined
    let body: Buffer
    try {
      body = await readFile(`${this.#folder}${name.slice(1)}`)
    } catch {
      if (name !== '/index.html') return undefined
      return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: NOT_BUILT }
    }
    const cache = HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache'
    const answer = { status: 200, headers: { 'content-type': type, 'cache-control': cache }, body }
    if (this.#files.size < 100) this.#files.set(name, answer)
    return answer
  }
}
