import { FOLLOW_COUNTERS, followOptions, logSource } from '../../lib/follow/index.js'
import { defineSource, type LineParser, z } from '../../lib/index.js'
import { alsoPrefixed, zoneOption } from '../../lib/syslog/index.js'
import { ErrorLog } from './error-log.js'
import { hints } from './hints.js'

const options = z.strictObject({
  ...followOptions(['/var/log/nginx/error.log']),
  zone: zoneOption(),
})

const parser = ({ zone }: z.output<typeof options>): LineParser =>
  alsoPrefixed(new ErrorLog(zone), 'nginx', { zone })

/** Follows nginx's error logs. */
export default defineSource({
  name: 'nginx-error',
  summary: "Every entry of nginx's error log, as an http.error.",
  types: ['http.error', 'log.unparsed'],
  hints,
  counters: FOLLOW_COUNTERS,
  options,
  create: (given) => logSource(given, { types: ['http.error'], parser: () => parser(given) }),
  parser,
})
