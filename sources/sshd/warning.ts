import { readUser, unescapeName } from './names.js'
import { type Reading, type Rule, rule } from './reading.js'

const warning = (kind: string, data: object): Reading => ({ type: 'ssh.warning', data: { kind, ...data } })
const at = (address: string | undefined, port?: string) => ({
  ...(address !== undefined && { address }),
  ...(port !== undefined && { port: Number(port) }),
})
const invalid = (user: string) => ({ user: unescapeName(user), validUser: false })

/** What somebody who watches a server wants to hear of, besides logins; `kind` says which of these it is. */
export const WARNING_RULES: readonly Rule[] = [
  rule(/^(?:Invalid|Illegal) user (.*) from (\S+)(?: port (\d+))?$/s, ([, user, address, port]) => {
    return warning('invalidUser', { ...invalid(user!), ...at(address, port) })
  }),
  rule(
    /^maximum authentication attempts exceeded for (.*) from (\S+) port (\d+)(?: ssh\d?)?$/s,
    ([, who, address, port]) => warning('tooManyFailures', { ...readUser(who!), ...at(address, port) }),
  ),
  rule(/^(?:User|Login name) (.*?)(?: from (\S+))? not allowed because (.*)$/s, ([, user, rhost, reason]) =>
    warning('notAllowed', { user: unescapeName(user!), validUser: false, ...(rhost && { rhost }), reason }),
  ),
  rule(/^ROOT LOGIN REFUSED FROM (\S+)(?: port (\d+))?$/, ([, address, port]) =>
    warning('notAllowed', { user: 'root', ...at(address, port), reason: 'root may not log in' }),
  ),
  rule(/^Access denied for user (.*) by PAM account configuration$/s, ([, user]) =>
    warning('notAllowed', { user: unescapeName(user!), reason: 'PAM account configuration' }),
  ),
  rule(/^User (\S+) (password has expired.*|account has expired)$/s, ([, user, reason]) =>
    warning('notAllowed', { user, reason }),
  ),
  rule(
    /^Authentication tried for (\S+) with (correct key|valid certificate) but not from a permitted (?:host|source address) \(.*?ip=([^\s,)]+)/s,
    ([, user, key, address]) =>
      warning('notAllowed', { user, address, reason: `${key}, but not from a permitted host` }),
  ),
  rule(/^Authentication refused: (.*)$/s, ([, reason]) => warning('badPermissions', { reason })),
  rule(/^Authentication key (\S+) (\S+) revoked by file (.*)$/s, ([, keyType, fingerprint]) =>
    warning('revokedKey', { keyType, fingerprint }),
  ),
  rule(
    /^reverse mapping checking getaddrinfo for (.*) \[([^\s\]]+)\] failed(?: - POSSIBLE BREAK-IN ATTEMPT!|\.)?$/s,
    ([, name, address]) => warning('reverseMapping', { address, rhost: name }),
  ),
  rule(/^Address (\S+) maps to (\S+), but this does not map back to the address/, ([, address, name]) =>
    warning('reverseMapping', { address, rhost: name }),
  ),
  rule(/^Nasty PTR record "(.*)" is set up for (\S+), ignoring$/s, ([, name, address]) =>
    warning('reverseMapping', { address, rhost: name }),
  ),
  rule(/^(?:ssh_)?kex_exchange_identification: (.*)$/s, ([, reason]) => warning('protocol', { reason })),
  rule(/^(?:ssh_)?banner exchange: (.*)$/s, ([, reason]) => warning('protocol', { reason })),
  rule(
    /^((?:Bad packet length|padding error|Corrupted (?:MAC|padding|check)|kex_protocol_error|Invalid banner|ssh_packet_).*)$/s,
    ([, reason]) => warning('protocol', { reason }),
  ),
  rule(/^beginning MaxStartups throttling$/, () => warning('throttling', { action: 'begun' })),
  rule(
    /^exited MaxStartups throttling after (\d+):(\d+):(\d+), (\d+) connections dropped$/,
    ([, hours, minutes, seconds, dropped]) =>
      warning('throttling', {
        action: 'ended',
        duration: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
        dropped: Number(dropped),
      }),
  ),
]

const server = (action: string, data: object = {}): Reading => ({
  type: 'ssh.server',
  data: { action, ...data },
})

/** The daemon's own life. */
export const SERVER_RULES: readonly Rule[] = [
  rule(/^Server listening on (\S+) port (\d+)\.?$/, ([, address, port]) =>
    server('listening', { localAddress: address, localPort: Number(port) }),
  ),
  rule(/^Received signal (\d+); terminating\.$/, ([, signal]) =>
    server('terminating', { signal: Number(signal) }),
  ),
  rule(/^Received SIGHUP; restarting\.$/, () => server('restarting')),
  rule(/^Bind to port (\d+) on (\S+) failed: (.*?)\.?$/s, ([, port, address, reason]) =>
    server('bindFailed', { localAddress: address, localPort: Number(port), reason }),
  ),
]
