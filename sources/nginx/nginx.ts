import { followOptions, logSource } from '../../lib/follow/index.js'
import { defineSource, z } from '../../lib/index.js'
import { readFormat } from './format.js'
import { accessLogParser } from './parse.js'

const options = z.strictObject({
  ...followOptions(['/var/log/nginx/access.log']),
  format: z.string().min(1).default('combined').meta({
    description:
      'Format of the lines: combined, common, or the text of a log_format as it stands in nginx.conf.',
  }),
})

export default defineSource({
  name: 'nginx',
  summary: "Every request in nginx's access log, as an http.hit.",
  types: ['http.hit', 'log.unparsed'],
  options,
  create(given) {
    const parser = () => accessLogParser(readFormat(given.format))
    // A format that cannot be read is refused here, before any file is opened.
    parser()
    return logSource(given, { types: ['http.hit'], parser })
  },
  parser: (given) => accessLogParser(readFormat(given.format)),
})
