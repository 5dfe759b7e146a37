import { parentPort, workerData } from 'node:worker_threads'
import { type Answer, newCounts, type Reply, type Request, type WorkerSettings } from './channel.js'
import { SegmentWriter } from './writer.js'

/** The thread that DuckDB works in, since it holds its thread for as long as it writes. */

const port = parentPort!
const settings = workerData as WorkerSettings
let writer: SegmentWriter | undefined

async function obey(request: Request): Promise<unknown> {
  if (request.do === 'open') {
    writer = await SegmentWriter.open(settings, request.now, request.grace, (counts) => say({ counts }))
    return undefined
  }
  if (request.do === 'write') return writer!.write(request.batch, request.now)
  if (request.do === 'tidy') return writer!.tidy(request.now)
  await writer!.roll(request.reason, request.now)
  if (request.reason === 'close') await writer!.close()
  return undefined
}

async function answer(request: Request): Promise<void> {
  let answer: Answer
  try {
    answer = { ok: true, result: await obey(request) }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    answer = { ok: false, error: message, code }
  }
  say({ answer, counts: writer?.counts ?? newCounts() })
}

const say = (reply: Reply) => port.postMessage(reply)

let before = Promise.resolve()
port.on('message', (request: Request) => {
  before = before.then(() => answer(request))
})
