import { followOptions, logSource } from '../../lib/follow/index.js'
import { defineSource, duration, list, z } from '../../lib/index.js'
import { zoneOption } from '../../lib/syslog/index.js'
import { newPostfixCounters, POSTFIX_COUNTERS } from './counters.js'
import { hints } from './hints.js'
import { PostfixLog } from './postfix-log.js'

const options = z.strictObject({
  ...followOptions(['/var/log/mail.log']),
  lines: z.boolean().default(false).meta({
    description: 'Also emit postfix.line for each line of Postfix that has no event of its own.',
  }),
  zone: zoneOption(),
  syslogName: list().meta({
    description: 'A syslog_name besides postfix and postfix-..., repeatable.',
    argument: 'name',
  }),
  maxTransactions: z.int().min(1).default(50_000).meta({
    description:
      'Most messages under way at once; beyond it the one unheard of longest is emitted as incomplete.',
  }),
  maxRecipients: z.int().min(1).default(1000).meta({
    description: 'Most recipients listed in one smtp.transaction; the others are counted there.',
  }),
  maxConnections: z.int().min(1).default(10_000).meta({
    description:
      'Most connections open at once; beyond it the one unheard of longest is emitted as incomplete.',
  }),
  maxAge: duration().prefault('6d').meta({
    description:
      'How long nothing may be heard of a message or connection before it is emitted as incomplete.',
  }),
  settle: duration().prefault('5s').meta({
    description: 'How long the event of a message waits for lines that come late, when some are missing.',
  }),
})

const TYPES = ['smtp.transaction', 'smtp.delivery', 'smtp.reject', 'smtp.connection', 'postfix.line']

/** Follows Postfix's log. */
export default defineSource({
  name: 'postfix',
  summary: 'The log of a Postfix mail server: messages, deliveries, rejections and connections.',
  types: [...TYPES, 'log.unparsed'],
  hints,
  counters: POSTFIX_COUNTERS,
  options,
  create(given) {
    const counters = newPostfixCounters()
    return logSource(given, {
      types: TYPES,
      parser: () => new PostfixLog(given, counters),
      counters: () => ({ ...counters }),
    })
  },
  parser: (given) => new PostfixLog(given),
})
