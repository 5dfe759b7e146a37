import { hostname } from 'node:os'
import { resolve } from 'node:path'
import pc from 'picocolors'
import { ALONG_THE_WAY } from './resolve.js'
import type { Started } from './run/run-pipeline.js'

/** What runs and where, in a few lines for people. */
export function greeting(title: string, started: readonly Started[], colors = pc): string {
  const width = Math.max(...started.map(({ part }) => part.name.length))
  const rows = ALONG_THE_WAY.flatMap((kind) =>
    started
      .filter(({ part }) => part.definition.kind === kind)
      .map((each) => `  ${kind.padEnd(6)}  ${colors.bold(each.part.name.padEnd(width))}  ${describe(each)}`),
  )
  return `${colors.bold(title)}\n${rows.join('\n')}\n`
}

function describe({ part, running }: Started): string {
  const { definition, framework, own, name } = part
  const listening = running.endpoints?.length ? `, listens on ${running.endpoints.join(', ')}` : ''
  switch (definition.kind) {
    case 'router':
      return `sources dial ${running.sourceEndpoints?.join(', ')}; sinks dial ${running.sinkEndpoints?.join(', ')}`
    case 'source': {
      const file = texts(own.file)
      const from = file.length > 0 ? `, reads ${file.join(', ')}` : ''
      return `as ${framework.source ?? `${hostname()}/${name}`}${from}${listening}`
    }
    case 'sink':
      return `takes ${texts(framework.subscribe).join(', ') || 'everything'}${into(own.path)}${listening}${running.url ? `; look at ${running.url}` : ''}`
  }
}

/** The folder of a sink that has one, as whoever looks for it needs it. */
const into = (path: unknown) => (typeof path === 'string' ? `, keeps it in ${resolve(path)}` : '')

function texts(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : []
}
