import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { endianness } from 'node:os'
import type { Address } from './address.js'

/**
 * How many datagrams Linux has thrown away before this process could read them, since the socket was opened;
 * undefined where the system does not tell. The last column of /proc/net/udp, see proc(5).
 */
export async function kernelDrops(address: Address): Promise<number | undefined> {
  const table = isIPv6(address.host) ? '/proc/net/udp6' : '/proc/net/udp'
  try {
    return findDrops(await readFile(table, 'latin1'), address)
  } catch {
    return undefined
  }
}

export function findDrops(table: string, address: Address): number | undefined {
  const local = `${hexAddress(address.host)}:${address.port.toString(16).padStart(4, '0').toUpperCase()}`
  for (const row of table.split('\n')) {
    const columns = row.trim().split(/\s+/)
    if (columns[1] === local) return Number(columns.at(-1))
  }
  return undefined
}

/** The kernel prints an address as words of the machine's own byte order. */
function hexAddress(host: string): string {
  const bytes = isIPv6(host) ? bytesOf6(host) : host.split('.').map(Number)
  const words: string[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4)
    if (endianness() === 'LE') word.reverse()
    words.push(Buffer.from(word).toString('hex').toUpperCase())
  }
  return words.join('')
}

function bytesOf6(host: string): number[] {
  // The parser of URLs writes IPv6 in one form, whatever form it was given.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const groups = (text = '') =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 255])
}
