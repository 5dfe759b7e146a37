import type { ClientFrame, Subscribe, Want } from './protocol.js'

const WANTS: readonly Want[] = ['counts', 'values', 'spreads', 'states', 'rows']

const isCount = (value: unknown, limit: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limit

const isHz = (value: unknown) => value === 0 || value === 1 || value === 4

/** A frame as a client should send it; undefined when it is anything else. */
export function readClientFrame(text: string): ClientFrame | undefined {
  let frame: Record<string, unknown>
  try {
    frame = JSON.parse(text)
  } catch {
    return undefined
  }
  if (frame === null || typeof frame !== 'object') return undefined
  const { f, id, hz, view, q, c } = frame
  switch (f) {
    case 'sub':
      return readSubscribe(frame)
    case 'unsub':
      return isCount(id, 65_535) ? { f, id } : undefined
    case 'hz':
      return isCount(id, 65_535) && isHz(hz) ? { f, id, hz: hz as Subscribe['hz'] } : undefined
    case 'ack':
      return isCount(view, 2 ** 53) && isCount(q, 2 ** 53) ? { f, view, q } : undefined
    case 'ping':
      return typeof c === 'number' ? { f, c } : undefined
    default:
      return undefined
  }
}

function readSubscribe({ id, match, want, hz, rows, keys }: Record<string, unknown>): Subscribe | undefined {
  if (!isCount(id, 65_535) || !isHz(hz)) return undefined
  if (!Array.isArray(match) || !match.every((each) => typeof each === 'string')) return undefined
  if (!Array.isArray(want) || !want.every((each) => WANTS.includes(each))) return undefined
  if (rows !== undefined && !isCount(rows, 20)) return undefined
  if (keys !== undefined && typeof keys !== 'boolean') return undefined
  const frame: Subscribe = { f: 'sub', id, match, want, hz: hz as Subscribe['hz'] }
  if (rows !== undefined) frame.rows = rows
  if (keys !== undefined) frame.keys = keys
  return frame
}
