import type { Job } from './crew.js'
import { createLog } from './logging.js'
import { serveMetrics } from './metrics-server.js'
import { type Observed, observe } from './observed.js'
import { type Part, type RunningPart, startPart } from './part.js'
import type { ProcessOptions } from './process-options.js'
import { run } from './run.js'

/** Starts one part, serves its metrics, and stops it when its time has come. When it fails, so does the program. */
export async function runPart(part: Part, settings: ProcessOptions): Promise<void> {
  const log = createLog({ level: settings.logLevel })
  const own = log.of(part.name)
  const observed: Observed[] = []
  const job: Job = {
    kind: part.definition.kind,
    name: part.name,
    async start() {
      const running = await startPart(part, own)
      observed.push(observe(part, running))
      return running
    },
  }
  await run([job], {
    log,
    async onRunning() {
      for (const { running } of observed) own.info(whereabouts(running), `${job.kind} runs`)
      return settings.metrics === undefined
        ? undefined
        : serveMetrics(settings.metrics, { observed: () => observed })
    },
  })
}

/** Where it listens. */
export function whereabouts({ endpoints, sourceEndpoints, sinkEndpoints }: RunningPart): object {
  return {
    ...(endpoints?.length ? { listening: endpoints } : {}),
    ...(sourceEndpoints ? { sources: sourceEndpoints } : {}),
    ...(sinkEndpoints ? { sinks: sinkEndpoints } : {}),
  }
}
