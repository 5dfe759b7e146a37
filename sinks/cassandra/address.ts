import { readFileSync } from 'node:fs'
import { byteSize, checkOptions, duration, EventstormError, reason, show, z } from '../../lib/index.js'

const CONSISTENCIES = ['ONE', 'LOCAL_ONE', 'TWO', 'THREE', 'QUORUM', 'LOCAL_QUORUM', 'ALL'] as const
export type Consistency = (typeof CONSISTENCIES)[number]

/** Where the events are, and how to get there. */
export interface Address {
  /** Without ports. */
  hosts: string[]
  port: number
  user: string | undefined
  password: string | undefined
  keyspace: string
  parameters: z.output<typeof parameters>
}

const NAME = /^[a-zA-Z]\w{0,31}$/

/** What may stand behind the question mark. */
const parameters = z.strictObject({
  datacenter: z
    .string()
    .default('datacenter1')
    .meta({ description: 'The data center whose nodes are talked to.', argument: 'name' }),
  table: z
    .string()
    .regex(NAME, { error: 'expected a letter, then at most 31 letters, digits or underscores' })
    .default('events')
    .meta({ description: 'The table of the events.', argument: 'name' }),
  consistency: z.enum(CONSISTENCIES).default('LOCAL_QUORUM').meta({
    description: 'How many copies must have a row for it to be written or read.',
    argument: 'level',
  }),
  timeout: duration()
    .pipe(z.number().min(1))
    .prefault('5s')
    .meta({ description: 'How long one request may take.', argument: 'time' }),
  tls: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Whether connections are encrypted.', argument: 'flag' }),
  ca: z.string().optional().meta({
    description: 'A file with the certificates to trust, in place of those of the system.',
    argument: 'path',
  }),
  passwordFile: z.string().optional().meta({
    description: 'A file with the password, for an address that everybody may see.',
    argument: 'path',
  }),
  readRows: z.coerce
    .number()
    .int()
    .min(1)
    .default(2_000_000)
    .meta({ description: 'How many events an answer may be computed from.', argument: 'n' }),
  readTime: duration()
    .pipe(z.number().min(1))
    .prefault('60s')
    .meta({ description: 'How long an answer may take.', argument: 'time' }),
  readMemory: byteSize().prefault('256MiB').meta({
    description: 'How much memory groups, distinct values and percentiles may take, about.',
    argument: 'size',
  }),
})

const FORM =
  /^cassandra:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<hosts>[^@/?]+)(?:\/(?<keyspace>[^/?]*))?(?:\?(?<rest>.*))?$/

const refuse = (message: string) => new EventstormError('OPTIONS_INVALID', message)

/**
 * Reads `cassandra://user:password@host1,host2:9042/keyspace?datacenter=dc1`. A password comes from the address, else from
 * `passwordFile`, else from the environment variable CASSANDRA_PASSWORD. No message repeats the address, since it
 * may hold one.
 *
 * @throws OPTIONS_INVALID, FILE_UNREADABLE
 */
export function parseAddress(url: string, passwordFile?: string): Address {
  const { user, password, hosts, keyspace, rest } = FORM.exec(url)?.groups ?? {}
  if (hosts === undefined) {
    throw refuse(
      'url: expected cassandra://user:password@host1,host2:9042/keyspace?datacenter=dc1 (all but a host may be left out; "/", "?", ":" and "@" in a password are written %2F, %3F, %3A and %40)',
    )
  }
  const nodes = hosts.split(',').map((host) => /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(host))
  const ports = new Set(nodes.flatMap((node) => (node?.[2] === undefined ? [] : [Number(node[2])])))
  if (nodes.includes(null) || ports.size > 1 || [...ports].some((port) => port < 1 || port > 65_535)) {
    throw refuse(`url: expected hosts such as host1,host2:9042 with one port for all, got ${show(hosts)}`)
  }
  if (keyspace && !NAME.test(keyspace)) {
    throw refuse(`url: expected a keyspace of letters, digits and underscores, got ${show(keyspace)}`)
  }
  const { options, problems } = checkOptions(parameters, Object.fromEntries(new URLSearchParams(rest)))
  if (options === undefined) {
    throw refuse(problems.map(({ path, message }) => `url: ${path.join('.')}: ${message}`).join('; '))
  }
  return {
    hosts: nodes.map((node) => node![1]!.replace(/^\[|\]$/g, '')),
    port: [...ports][0] ?? 9042,
    user: user ? decode(user) : undefined,
    password: password ? decode(password) : readPassword(passwordFile ?? options.passwordFile),
    keyspace: keyspace || 'eventstorm',
    parameters: options,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse('url: expected "%" in a user or password to be written %25')
  }
}

function readPassword(path: string | undefined): string | undefined {
  if (path === undefined) return process.env.CASSANDRA_PASSWORD || undefined
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new EventstormError('FILE_UNREADABLE', `the password cannot be read: ${reason(error)}`, error)
  }
}
