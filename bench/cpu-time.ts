/** CPU of other processes as Linux counts it, in hundredths of a second. */
import { readdirSync, readFileSync } from 'node:fs'

function parse(stat: string): { name: string; seconds: number } {
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? []
  const fields = rest.split(' ')
  return { name, seconds: (Number(fields[11]) + Number(fields[12])) / 100 }
}

/** User and system time of a process, seconds. */
export const processTime = (pid: number): number => parse(readFileSync(`/proc/${pid}/stat`, 'latin1')).seconds

/** What a thread of Node's processes is there for, by the name that it gave itself. */
function purpose(name: string, isMain: boolean): string {
  if (isMain) return 'main'
  if (name.startsWith('ZMQ')) return "libzmq's threads"
  return 'compiler, collector and other threads'
}

/** The same for each kind of thread. */
export function threadTimes(pid: number): Map<string, number> {
  const times = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const { name, seconds } = parse(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'))
    const kind = purpose(name, Number(thread) === pid)
    times.set(kind, (times.get(kind) ?? 0) + seconds)
  }
  return times
}
