import { readKey } from './key.js'
import { readUser } from './names.js'
import { type Reading, type Rule, rule } from './reading.js'

const OUTCOMES: Record<string, string> = {
  Accepted: 'accepted',
  Failed: 'failed',
  Partial: 'partial',
  Postponed: 'postponed',
}

const HEAD = /^(Accepted|Failed|Partial|Postponed) ([^\s/]+)(?:\/(\S+))? for (.*)$/s
const PLAIN = /^(.*) from (\S+) port (\d+)(?: ssh\d?)?$/s
const WITH_KEY = / from (\S+) port (\d+) ssh2: /g
const MAX_READINGS = 16

/** `Failed password for invalid user oracle from 192.0.2.1 port 5 ssh2`, with or without `: KEY` at the end. */
const readLogin: Rule = (text) => {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const [, outcome, method, submethod, rest] = head
  const login = (who: string, address: string, port: string, key: object = {}): Reading => ({
    type: 'ssh.login',
    data: {
      outcome: OUTCOMES[outcome!],
      ...readUser(who),
      method,
      ...(submethod !== undefined && { submethod }),
      address,
      port: Number(port),
      ...key,
    },
  })
  // Nothing that sshd writes behind a key ends like this, so the last address is the peer's, whatever the name is.
  const plain = PLAIN.exec(rest!)
  if (plain !== null) return login(plain[1]!, plain[2]!, plain[3]!)
  const found: Reading[] = []
  for (const match of rest!.matchAll(WITH_KEY)) {
    const key = readKey(rest!.slice(match.index + match[0].length))
    if (key === undefined) continue
    const reading = login(rest!.slice(0, match.index), match[1]!, match[2]!, key)
    // A user whom the system knows has no such name, so that what follows is the certificate's doing.
    if (reading.data.validUser) return reading
    found.push(reading)
    if (found.length === MAX_READINGS) break
  }
  return found.length > 0 ? found : undefined
}

export const LOGIN_RULES: readonly Rule[] = [readLogin]

/** Sessions of a connection: shells, commands, subsystems. Logged at level VERBOSE. */
export const CHANNEL_RULES: readonly Rule[] = [
  rule(
    /^Starting session: (.*) for (\S+) from (\S+) port (\d+) id (\d+)$/s,
    ([, what, user, address, port, id]) => {
      const [, kind, subject, tty] =
        /^(forced-command|subsystem|command|shell)(?: .*?'(.*)'|)(?: on (\S+))?$/s.exec(what!) ?? []
      return {
        type: 'ssh.channel',
        data: {
          action: 'opened',
          kind: kind ?? what,
          ...(subject !== undefined && { subject }),
          ...(tty !== undefined && { tty }),
          ...readUser(user!),
          address,
          port: Number(port),
          id: Number(id),
        },
      }
    },
  ),
  rule(/^Close session: user (\S+) from (\S+) port (\d+) id (\d+)$/, ([, user, address, port, id]) => ({
    type: 'ssh.channel',
    data: { action: 'closed', ...readUser(user!), address, port: Number(port), id: Number(id) },
  })),
]

/** `Connection from 192.0.2.1 port 5 on 192.0.2.9 port 22`, logged at level VERBOSE. */
export const CONNECT_RULES: readonly Rule[] = [
  rule(
    /^Connection from (\S+) port (\d+)(?: on (\S+) port (\d+)(?: rdomain "(.*)")?)?$/,
    ([, address, port, localAddress, localPort, rdomain]) => ({
      type: 'ssh.connect',
      data: {
        address,
        port: Number(port),
        ...(localAddress !== undefined && { localAddress, localPort: Number(localPort) }),
        ...(rdomain && { rdomain }),
      },
    }),
  ),
]
