import { readUser, unescapeName } from './names.js'
import { type Reading, type Rule, rule } from './reading.js'

const FAILURE = /^logname=(\S*) uid=(\d*) euid=(\d*) tty=(\S*) ruser=(\S*) rhost=(\S*)(?: +user=(.*?))?\s*$/s

/** What PAM says of a failure; empty fields are left out, a name that the client gave comes last. */
function failure(text: string): Record<string, unknown> | undefined {
  const [whole, logname, uid, euid, tty, ruser, rhost, user] = FAILURE.exec(text) ?? []
  if (whole === undefined) return undefined
  return {
    ...(user !== undefined && { user: unescapeName(user) }),
    ...(rhost && { rhost }),
    ...(ruser && { ruser }),
    ...(logname && { logname }),
    ...(tty && { tty }),
    ...(uid && { uid: Number(uid) }),
    ...(euid && { euid: Number(euid) }),
  }
}

/** `fztu by (uid=0)`, `root(uid=0) by alice(uid=1000)` */
const OPENED = /^session opened for user (\S+?)(?:\(uid=(\d+)\))? by (\S*?)\(uid=(\d+)\)$/
const CLOSED = /^session closed for user (\S+)$/

function fromModule(module: string, service: string, stage: string, message: string): Reading {
  if (module === 'pam_unix' && stage === 'session') {
    const opened = OPENED.exec(message)
    if (opened !== null) {
      const [, user, uid, by, byUid] = opened
      return {
        type: 'ssh.session',
        data: {
          action: 'opened',
          ...readUser(user!),
          ...(uid !== undefined && { uid: Number(uid) }),
          ...(by && { by }),
          byUid: Number(byUid),
        },
      }
    }
    const closed = CLOSED.exec(message)
    if (closed !== null) return { type: 'ssh.session', data: { action: 'closed', ...readUser(closed[1]!) } }
  }
  const [, said, fields] = /^(authentication failure); (.*)$/s.exec(message) ?? []
  const failed = fields === undefined ? undefined : failure(fields)
  return {
    type: 'ssh.pam',
    data: failed
      ? { module, service, stage, message: said, ...failed, failures: 1 }
      : { module, service, stage, message },
  }
}

/**
 * What PAM writes under sshd's name. Its failures are the same ones that sshd reports as `ssh.login`, told a second
 * time, and therefore of a type of their own.
 */
export const PAM_RULES: readonly Rule[] = [
  rule(/^(pam_\w+)\(([^():\s]+):(\w+)\): (.*)$/s, ([, module, service, stage, message]) =>
    fromModule(module!, service!, stage!, message!.trimEnd()),
  ),
  rule(/^PAM (\d+) more authentication failures?; (.*)$/s, ([, count, fields]) => {
    const failed = failure(fields!)
    return (
      failed && {
        type: 'ssh.pam',
        data: { message: 'more authentication failures', ...failed, failures: Number(count) },
      }
    )
  }),
  rule(/^PAM service\(([^)]*)\) ignoring max retries; (\d+) > (\d+)$/, ([, service, retries, allowed]) => ({
    type: 'ssh.pam',
    data: { service, message: 'ignoring max retries', retries: Number(retries), allowed: Number(allowed) },
  })),
  rule(/^PAM: (.*?) for ((?:illegal user |invalid user )?.*) from (\S+)$/s, ([, message, who, rhost]) => ({
    type: 'ssh.pam',
    data: { message, ...readUser(who!), rhost },
  })),
  rule(/^PAM: (.*)$/s, ([, message]) => ({ type: 'ssh.pam', data: { message } })),
]
