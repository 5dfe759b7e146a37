import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

const ACCESS_LOG = '/var/log/nginx/access.log'
const SAMPLE = fileURLToPath(new URL('../../sources/nginx/samples/access.log', import.meta.url))
/** Lines a second: lively, and still readable. */
const SAMPLE_RATE = 4

/** Where `eventstorm query` looks when it is not told. */
const DATA = './eventstorm-data'

/** What the data may grow to, for somebody who forgets that it runs. */
const KEEP = { keep: '7d', keepBytes: '1GiB' }

/** The pipeline of `eventstorm up` without a file, as a file: what a user would write for it. */
export function quickStart(accessLog = ACCESS_LOG, sample = SAMPLE, stores = canStore()): string {
  return stringify({
    routers: { router: { use: 'forward' } },
    sources: { system: {}, ...webServer(accessLog, sample) },
    sinks: {
      stdout: {},
      ...(stores ? { segments: { path: DATA, ...KEEP } } : {}),
      websocket: { otherPort: true, ...(stores ? { store: `segments:${DATA}` } : {}) },
    },
    // The greeting says what runs.
    logLevel: 'warn',
  })
}

/** Whether DuckDB is there, which is for the user to install. */
function canStore(): boolean {
  try {
    createRequire(import.meta.url).resolve('@duckdb/node-api')
    return true
  } catch {
    return false
  }
}

/** A real log where there is one; else a sample, under a name that nobody takes for this machine. */
function webServer(accessLog: string, sample: string): object {
  if (isReadable(accessLog)) return { nginx: { file: accessLog } }
  if (!existsSync(sample)) return {}
  return { 'nginx-sample': { use: 'nginx', file: sample, replay: SAMPLE_RATE, source: 'sample/nginx' } }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}
