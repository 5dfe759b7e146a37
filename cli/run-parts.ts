import { createLog } from './logging.js'
import { serveMetrics } from './metrics.js'
import { type Part, type RunningPart, startPart } from './part.js'
import type { ProcessOptions } from './process-options.js'
import { type Job, run } from './run.js'

export type Started = { part: Part; running: RunningPart }

/**
 * Starts parts, serves their metrics, and stops them when their time has come.
 * @param greet says what runs; without it each part gets a line in the log
 */
export async function runParts(
  parts: readonly Part[],
  settings: ProcessOptions,
  greet?: (started: readonly Started[]) => void,
): Promise<void> {
  const log = createLog({ level: settings.logLevel })
  const started: Started[] = []
  const jobs = parts.map(
    (part): Job => ({
      kind: part.definition.kind,
      name: part.name,
      async start() {
        const running = await startPart(part, log.of(part.name))
        started.push({ part, running })
        return running
      },
    }),
  )
  await run(jobs, {
    log,
    async onRunning() {
      if (greet) greet(started)
      for (const { part, running } of started) {
        log.of(part.name)[greet ? 'debug' : 'info'](whereabouts(running), `${part.definition.kind} runs`)
      }
      if (settings.metrics === undefined) return undefined
      const observed = started.map(({ part, running }) => ({
        kind: part.definition.kind,
        name: part.name,
        running,
      }))
      return serveMetrics(settings.metrics, observed)
    },
  })
}

/** Where it listens. */
function whereabouts({ endpoints, sourceEndpoints, sinkEndpoints }: RunningPart): object {
  return {
    ...(endpoints?.length ? { listening: endpoints } : {}),
    ...(sourceEndpoints ? { sources: sourceEndpoints } : {}),
    ...(sinkEndpoints ? { sinks: sinkEndpoints } : {}),
  }
}
