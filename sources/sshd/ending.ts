import { type Peer, readPeer, readPeerBefore, readUser } from './names.js'
import { type Reading, type Rule, rule } from './reading.js'

type By = 'client' | 'server' | 'network'

const ended = (by: By, reason: string, peer: Peer = {}, more: object = {}): Reading => ({
  type: 'ssh.disconnect',
  data: { by, reason, ...peer, ...more },
})

/** What is only said before anybody is logged in, though not by the process that marks its lines so. */
const early = (by: By, reason: string, peer: Peer = {}, more: object = {}): Reading =>
  ended(by, reason, peer, { ...more, preauth: true })

/** A form whose only group is the identity of the connection. */
const withPeer = (form: RegExp, by: By, reason: string, make = ended): Rule =>
  rule(form, ([, text]) => {
    const peer = readPeer(text!)
    // Before the login it would say `authenticating user` or `invalid user`.
    return peer && make(by, reason, peer, text!.startsWith('user ') ? { preauth: false } : {})
  })

const negotiation = (by: By) => (text: string, peer: Peer) => {
  const [, reason, offer] = /^(.*?)(?:\. Their offer: (.*))?$/s.exec(text)!
  return ended(by, reason!, peer, offer === undefined ? {} : { offered: offer.split(',') })
}

const TOO_MANY = 'Too many authentication failures'
const CHANGED = /^Change of username or service not allowed: \((.*)\) -> \((.*)\)$/s
const SERVICE = /,ssh-(?:connection|userauth)$/

/** What sshd gives as its reason for hanging up; the names in it are the client's, and go into fields of their own. */
function hungUp(reason: string, peer: Peer): Reading {
  const changed = CHANGED.exec(reason)
  if (changed !== null) {
    return ended('server', 'Change of username or service not allowed', peer, {
      requested: changed[2]!.replace(SERVICE, ''),
    })
  }
  if (reason === TOO_MANY || !reason.startsWith(`${TOO_MANY} for `)) return ended('server', reason, peer)
  return ended('server', TOO_MANY, { ...peer, ...readUser(reason.slice(TOO_MANY.length + 5)) })
}

/** All the ways in which a connection ends; each line becomes `ssh.disconnect`. */
export const ENDING_RULES: readonly Rule[] = [
  // The address holds no blank; what follows the figure is the client's own text.
  rule(
    /^Received disconnect from (\S+?)(?: port (\d+))?: ?(\d+): ?(.*)$/s,
    ([, address, port, code, reason]) =>
      ended(
        'client',
        reason!,
        { address: address!, ...(port !== undefined && { port: Number(port) }) },
        // Unless it is marked otherwise.
        { code: Number(code), preauth: false },
      ),
  ),
  withPeer(/^Disconnected from (.*)$/s, 'client', 'disconnected'),
  withPeer(/^Connection closed by (.*)$/s, 'client', 'closed'),
  withPeer(/^Connection reset by (.*)$/s, 'client', 'reset'),
  withPeer(/^Connection from (.*) timed out$/s, 'network', 'timed out'),
  withPeer(/^Timeout, client not responding(?: from (.*))$/s, 'server', 'client not responding'),
  rule(/^Timeout, client not responding\.?$/, () => ended('server', 'client not responding')),
  rule(
    /^Timeout before authentication for connection from (\S+) to (\S+), pid = (\d+)$/,
    ([, address, localAddress, pid]) =>
      early(
        'server',
        'timeout before authentication',
        { address: address! },
        { localAddress, connectionPid: Number(pid) },
      ),
  ),
  withPeer(/^Timeout before authentication for (.*?)\.?$/, 'server', 'timeout before authentication', early),
  withPeer(
    /^Did not receive identification string from (.*?)\.?$/s,
    'client',
    'did not send an identification',
    early,
  ),
  rule(
    /^Bad protocol version identification '(.*)' from (\S+)(?: port (\d+))?$/s,
    ([, sent, address, port]) =>
      early(
        'server',
        'bad protocol version identification',
        { address: address!, ...(port !== undefined && { port: Number(port) }) },
        { identification: sent },
      ),
  ),
  rule(/^Protocol major versions differ for (\S+) port (\d+): (.*) vs\. (.*)$/s, ([, address, port]) =>
    early('server', 'protocol major versions differ', { address: address!, port: Number(port) }),
  ),
  rule(/^banner exchange: Connection from (\S+) port (\d+): (.*)$/s, ([, address, port, reason]) =>
    early('server', `banner exchange: ${reason}`, { address: address!, port: Number(port) }),
  ),
  rule(/^Unable to negotiate with (.*)$/s, ([, text]) =>
    readPeerBefore(text!).map(({ peer, rest }) => negotiation('server')(rest, peer)),
  ),
  rule(/^(Unable to negotiate a key exchange method|no matching \S+ found.*)$/s, ([, reason]) =>
    negotiation('server')(reason!, {}),
  ),
  rule(
    /^ssh_dispatch_run_fatal: Connection (?:from|to) (.*) port (\d+): ([^:]*)$/s,
    ([, who, port, reason]) => {
      const peer = readPeer(`${who} port ${port}`)
      return peer && ended('server', reason!, peer)
    },
  ),
  rule(/^Connection from (.* port \d+): ([^:]*)$/s, ([, who, reason]) => {
    const peer = readPeer(who!)
    return peer && ended('server', reason!, peer)
  }),
  rule(/^Disconnecting: (.*)$/s, ([, reason]) => hungUp(reason!, {})),
  rule(/^Disconnecting (.*)$/s, ([, text]) => {
    const found = readPeerBefore(text!)
    // Of a reason that holds no name only the last reading can be the right one.
    const plain = found.filter(({ rest }) => rest === TOO_MANY).at(-1)
    return (plain ? [plain] : found).map(({ peer, rest }) => hungUp(rest, peer))
  }),
  rule(/^(?:Read from socket failed|Read error from remote host.*?|Write failed): (.*)$/s, ([, reason]) =>
    ended('network', reason!),
  ),
  rule(/^packet_write_(?:wait|poll): Connection (?:from|to) (.*): ([^:]*)$/s, ([, who, reason]) => {
    const peer = readPeer(who!)
    return peer && ended('network', reason!, peer)
  }),
  rule(/^refused connect from (?:\S+ \()?([^\s()]+)\)?$/, ([, address]) =>
    early('server', 'refused by hosts.deny', { address: address! }),
  ),
  rule(
    /^drop connection #(\d+) from \[([^\]]+)\]:(\d+) on \[([^\]]+)\]:(\d+) (past MaxStartups|penalty: .*)$/,
    ([, number, address, port, localAddress, localPort, reason]) =>
      early(
        'server',
        reason!,
        { address: address!, port: Number(port) },
        { number: Number(number), localAddress, localPort: Number(localPort) },
      ),
  ),
]
