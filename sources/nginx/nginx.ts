import { readFileSync } from 'node:fs'
import { FOLLOW_COUNTERS, followOptions, logSource } from '../../lib/follow/index.js'
import { defineSource, EventstormError, type LineParser, reason, z } from '../../lib/index.js'
import { alsoPrefixed } from '../../lib/syslog/index.js'
import { type Format, formatFromConfiguration, readFormat } from './format.js'
import { hints } from './hints.js'
import { accessLogParser } from './parse.js'

const options = z.strictObject({
  ...followOptions(['/var/log/nginx/access.log']),
  format: z.string().min(1).default('combined').meta({
    description:
      'Format of the lines: combined, common, or the text of a log_format as it stands in nginx.conf.',
  }),
  nginxConf: z.string().min(1).optional().meta({
    description: 'Configuration of nginx to read the log_format from that --format-name names.',
    argument: 'path',
  }),
  formatName: z.string().min(1).default('main').meta({
    description: 'Name of the log_format in --nginx-conf.',
    argument: 'name',
  }),
})

/** @throws FORMAT_INVALID, FILE_UNREADABLE */
function chooseFormat({ format, nginxConf, formatName }: z.output<typeof options>): Format {
  if (nginxConf === undefined) return readFormat(format)
  let configuration: string
  try {
    configuration = readFileSync(nginxConf, 'utf8')
  } catch (error) {
    throw new EventstormError(
      'FILE_UNREADABLE',
      `expected the configuration of nginx at ${nginxConf}, got: ${reason(error)}`,
      error,
    )
  }
  return formatFromConfiguration(configuration, formatName)
}

function makeParser(format: Format): LineParser {
  const parser = accessLogParser(format)
  // Such lines could be mistaken for those of syslog.
  const beginsAsSyslog = format.literals[0] === '' && format.variables[0] === 'time_iso8601'
  return beginsAsSyslog ? parser : alsoPrefixed(parser, 'nginx')
}

/** Follows nginx's access logs. */
export default defineSource({
  name: 'nginx',
  summary: "Every request in nginx's access log, as an http.hit.",
  types: ['http.hit', 'log.unparsed'],
  hints,
  counters: FOLLOW_COUNTERS,
  options,
  create(given) {
    const format = chooseFormat(given)
    // One that is ambiguous is refused here, before any file is opened.
    makeParser(format)
    return logSource(given, { types: ['http.hit'], parser: () => makeParser(format) })
  },
  parser: (given) => makeParser(chooseFormat(given)),
})
