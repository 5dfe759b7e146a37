import { Line } from './processes.js'
import { table } from './report.js'

const megabytes = (bytes: number) => Math.round(bytes / 1e6)

/** A receiver that stands still: its sender goes on, and what it holds is bounded. */
export async function stalled(count: number): Promise<{ right: boolean; figures: object }> {
  await using line = await Line.start('watchedSender', 'receiver', false, { count })
  line.receiver.signal('SIGSTOP')
  line.sender.tell({ go: true })
  const { sent, memory } = await line.sender.report<{ sent: number; memory: number[] }>('sent')
  line.receiver.signal('SIGCONT')
  const got = await line.receiver.report<{ received: number; lost: number }>('received')
  const flat = Math.max(...memory.slice(10)) <= 1.25 * Math.max(...memory.slice(2, 10))
  const balance = sent - got.received - got.lost
  table('a receiver that stands still', [
    {
      sent,
      'received afterwards': got.received,
      lost: got.lost,
      'sent - received - lost': balance,
      'sender MB at 10 %': megabytes(memory[2]!),
      'at 50 %': megabytes(memory[10]!),
      'at the end': megabytes(memory.at(-1)!),
      flat: flat ? 'yes' : 'NO',
    },
  ])
  return { right: flat && balance === 0, figures: { sent, ...got, memory } }
}
