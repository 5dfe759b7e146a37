import { isIP } from 'node:net'

/** Where to listen. */
export interface Address {
  host: string
  port: number
}

const FORM = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/

export const LOOPBACK = '127.0.0.1'

/** `127.0.0.1:5514`, `[::1]:5514`, or `5514`, which is on loopback only; undefined when it is none of these. */
export function readAddress(text: string): Address | undefined {
  const [whole, bracketed, plain = LOOPBACK, port] = FORM.exec(text) ?? []
  if (whole === undefined || Number(port) > 65_535) return undefined
  const host = bracketed ?? plain
  if (isIP(host) !== (bracketed === undefined ? 4 : 6)) return undefined
  return { host, port: Number(port) }
}

export function showAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
