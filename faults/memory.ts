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
const peakMemory = (pid: number): number => status(pid, 'VmHWM')

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

/** Resident memory of a process that lived through something, bytes. */
export interface Held {
  before: number
  after: number
  peak: number
}

export const grown = ({ before, after }: Held): number => after - before

/** What a process held before something went wrong, and what it holds now. */
export class Memory {
  #pid: number
  #before = 0

  constructor(pid: number) {
    this.#pid = pid
  }

  /** The first time counts. */
  note(): void {
    this.#before ||= memory(this.#pid)
  }

  /** Undefined of one that came later, and where the system tells nothing. */
  held(): Held | undefined {
    const after = memory(this.#pid)
    if (this.#before === 0 || after === 0) return undefined
    return { before: this.#before, after, peak: peakMemory(this.#pid) }
  }
}
