import { type TransferListItem, Worker } from 'node:worker_threads'
import type { Reply, Request, StoreCounts, WorkerSettings } from './channel.js'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** The sink's side of the channel to its worker thread. */
export class WorkerClient {
  #worker: Worker
  #waiting: Waiting[] = []
  #gone: Error | undefined

  /** @param counted called with the worker's counters, before the answer that changed them is handed on */
  constructor(settings: WorkerSettings, counted: (counts: StoreCounts) => void) {
    // Flags of the program, such as --input-type, may be none for a file of ours.
    const flags = { execArgv: [], workerData: settings }
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), flags)
    this.#worker.on('message', ({ counts, answer }: Reply) => {
      counted(counts)
      if (answer === undefined) return
      const { resolve, reject } = this.#waiting.shift()!
      if (answer.ok) resolve(answer.result)
      else reject(Object.assign(new Error(answer.error), { code: answer.code }))
    })
    this.#worker.on('error', (error) => this.#fail(error.message))
    this.#worker.on('exit', () => this.#fail('the worker thread has ended'))
  }

  /** Rejects with what went wrong there; with the code WORKER_GONE when there is nobody to ask any more. */
  ask<T>(request: Request, transfer: TransferListItem[] = []): Promise<T> {
    if (this.#gone) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as Waiting['resolve'], reject })
      this.#worker.postMessage(request, transfer)
    })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(why: string): void {
    this.#gone ??= Object.assign(new Error(why), { code: 'WORKER_GONE' })
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone)
  }
}
