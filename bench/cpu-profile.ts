import type { Profiler } from 'node:inspector'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a thread was. */
export interface SelfTime {
  /** As in `lib/source.ts`; or what it is, in parentheses. */
  file: string
  name: string
  /** Of the time in which it did anything, 0 to 1. */
  share: number
}

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const IDLE = '(idle)'
const NATIVE = '(native code, of zeromq mostly)'
const OF_BUFFERS = /^(utf8|latin1|ascii|hex|base64|copy|compare|fill|indexOf|byteLength)/

/** Names of V8's own, and what they stand for. */
const SPECIAL = new Map([
  ['(garbage collector)', '(garbage collector)'],
  ['(program)', NATIVE],
  ['(idle)', IDLE],
  ['(root)', IDLE],
])

function fileOf({ functionName, scriptId, url }: Profiler.ProfileNode['callFrame']): string {
  const special = SPECIAL.get(functionName)
  if (special) return special
  if (url.startsWith('node:')) return 'node'
  const path = url.startsWith('file://') ? fileURLToPath(url) : url
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
  if (name) return name
  if (path.startsWith(ROOT)) return path.slice(ROOT.length).replace(/\.js$/, '.ts')
  // V8 has also given the text "undefined" for a script of its own.
  if (isAbsolute(path)) return path
  // Functions made by `new Function` belong to a script without a name, those of C++ to none.
  if (scriptId !== '0') return '(code generated for a shape)'
  return OF_BUFFERS.test(functionName) ? '(native code of Node, texts)' : NATIVE
}

/** The self time of each function, most first, as a share of the time in which the thread was not idle. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): SelfTime[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, SelfTime>()
  let whole = 0
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id)!
    const file = fileOf(frame)
    if (file === IDLE) continue
    // What V8 calls the functions of a native module is the name of another one.
    const name = file === NATIVE ? '(native call)' : frame.functionName || '(anonymous)'
    const key = `${file} ${name}`
    const time = times.get(key) ?? { file, name, share: 0 }
    // A delta is the time before its sample.
    const micros = Math.max(0, timeDeltas[i + 1] ?? 0)
    time.share += micros
    whole += micros
    times.set(key, time)
  }
  for (const time of times.values()) time.share /= whole || 1
  return [...times.values()].sort((a, b) => b.share - a.share)
}
