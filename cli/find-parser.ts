import { EventstormError, type FoundParser, parseOptions, show } from '../lib/index.js'
import { resolveComponent } from './resolve.js'

/**
 * The parser of a log source, for a source that has its lines from elsewhere: `--parser nginx`.
 *
 * @throws COMPONENT_NOT_FOUND, COMPONENT_INVALID, OPTIONS_INVALID
 */
export async function findParser(name: string, given: Record<string, unknown>): Promise<FoundParser> {
  const definition = await resolveComponent('source', name)
  const { parser, options, syslogHead = false } = definition
  if (parser === undefined) {
    throw new EventstormError(
      'COMPONENT_INVALID',
      `expected a source that parses lines, got ${show(name)}, which has no parser`,
    )
  }
  const checked = parseOptions(options, given, `parser ${name}`)
  return { create: () => parser.call(definition, checked), syslogHead }
}
