import { FOLLOW_COUNTERS, followOptions, logSource } from '../../lib/follow/index.js'
import { defineSource, duration, total, z } from '../../lib/index.js'
import { zoneOption } from '../../lib/syslog/index.js'
import { hints } from './hints.js'
import { newSshdCounters, SshdParser } from './parse.js'

const options = z.strictObject({
  ...followOptions(['/var/log/auth.log']),
  zone: zoneOption(),
  maxConnections: z.int().min(1).default(10_000).meta({
    description:
      'Connections remembered at a time, so many that are not logged in and so many that are; beyond that the oldest are forgotten and counted.',
  }),
  connectionAge: duration().prefault('7d').meta({
    description: 'A connection without a line for so long is forgotten; its end gives no duration then.',
    argument: 'time',
  }),
})

/** Types of events, in the order in which the README explains them. */
export const TYPES = [
  'ssh.login',
  'ssh.session',
  'ssh.disconnect',
  'ssh.warning',
  'ssh.pam',
  'ssh.connect',
  'ssh.channel',
  'ssh.server',
  'ssh.line',
]

/** Follows sshd's lines in the log of the system. */
export default defineSource({
  name: 'sshd',
  summary: "Logins, sessions and attacks, from OpenSSH's lines in the system's log.",
  types: [...TYPES, 'log.unparsed'],
  hints,
  counters: {
    ...FOLLOW_COUNTERS,
    passedBy: total("Lines of other programs, which a system's log is full of."),
    forgottenConnections: total('Connections given up before their end was seen: too many, or too old.'),
  },
  options,
  syslogHead: true,
  parser: (given) => new SshdParser(given),
  create(given) {
    const counters = newSshdCounters()
    return logSource(given, {
      types: TYPES,
      parser: () => new SshdParser(given, counters),
      counters: () => ({ ...counters }),
    })
  },
})
