import { readdirSync, readFileSync } from 'node:fs'

/** Linux tells of every process; elsewhere all is 0. */
function status(pid: number, field: string): number {
  try {
    const [, kilobytes = '0'] =
      new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * 1024
  } catch {
    return 0
  }
}

/** Largest resident memory a process ever had, bytes. */
export const peakMemory = (pid: number): number => status(pid, 'VmHWM')

/** Resident memory, bytes. */
export const memory = (pid: number): number => status(pid, 'VmRSS')

/** Open files and sockets. */
export function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}
