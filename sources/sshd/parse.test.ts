import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NewEvent } from '../../lib/index.js'
import { seeded } from '../../testing/index.js'
import { SshdParser, type SshdParserOptions } from './parse.js'

const parser = (options: Partial<SshdParserOptions> = {}) => {
  const made = new SshdParser({ zone: 'UTC', maxConnections: 1000, connectionAge: 86_400_000, ...options })
  made.begin(Date.parse('2025-07-01T00:00:00Z'))
  return made
}

/** The one event of a line. */
function read(made: SshdParser, line: string): NewEvent & { data: Record<string, unknown> } {
  const events = made.line(line)
  assert.ok(Array.isArray(events), `${line}: ${JSON.stringify(events)}`)
  assert.equal(events.length, 1, line)
  return events[0] as NewEvent & { data: Record<string, unknown> }
}

/** What a message of one connection says, without host and process id. */
function say(message: string, made = parser(), pid = 7) {
  const { type, data } = read(made, `Mar  1 12:03:04 srv sshd[${pid}]: ${message}`)
  const { host, pid: _, ...rest } = data
  assert.equal(host, 'srv')
  return { type, ...rest }
}

const KEY = 'SHA256:AAAAexampleAAAAexampleAAAAexampleAAAAexample'
const CA = 'SHA256:BBBBexampleBBBBexampleBBBBexampleBBBBexample'

describe('logins', () => {
  it('have user, method, address, port', () => {
    assert.deepEqual(say('Failed password for root from 192.0.2.1 port 50022 ssh2'), {
      type: 'ssh.login',
      outcome: 'failed',
      user: 'root',
      validUser: true,
      method: 'password',
      address: '192.0.2.1',
      port: 50022,
      count: 1,
    })
    const accepted = say('Accepted keyboard-interactive/pam for ann from 2001:db8::1 port 1 ssh2')
    assert.deepEqual([accepted.type, 'outcome' in accepted && accepted.outcome], ['ssh.login', 'accepted'])
    assert.deepEqual(
      { ...accepted },
      {
        type: 'ssh.login',
        outcome: 'accepted',
        user: 'ann',
        validUser: true,
        method: 'keyboard-interactive',
        submethod: 'pam',
        address: '2001:db8::1',
        port: 1,
        count: 1,
      },
    )
  })

  it('have the key', () => {
    const login = (extra: string) => {
      const { keyType, fingerprint, certificate, clientUser, clientHost, user, address } = say(
        `Accepted publickey for ann from 192.0.2.1 port 5 ssh2: ${extra}`,
      ) as Record<string, unknown>
      assert.deepEqual([user, address], ['ann', '192.0.2.1'])
      return { keyType, fingerprint, certificate, clientUser, clientHost }
    }
    const none = { certificate: undefined, clientUser: undefined, clientHost: undefined }
    assert.deepEqual(login(`ED25519 ${KEY}`), { ...none, keyType: 'ED25519', fingerprint: KEY })
    assert.deepEqual(login('RSA 00:11:22:33'), { ...none, keyType: 'RSA', fingerprint: '00:11:22:33' })
    assert.deepEqual(
      login(`RSA-CERT ${KEY} ID ann (laptop) (serial 18446744073709551615) CA ED25519 ${CA}`),
      {
        ...none,
        keyType: 'RSA-CERT',
        fingerprint: KEY,
        certificate: {
          id: 'ann (laptop)',
          serial: '18446744073709551615',
          caKeyType: 'ED25519',
          caFingerprint: CA,
        },
      },
    )
    assert.deepEqual(login(`RSA ${KEY}, client user "bob", client host "pc.example.org"`), {
      ...none,
      keyType: 'RSA',
      fingerprint: KEY,
      clientUser: 'bob',
      clientHost: 'pc.example.org',
    })
  })

  it('are counted when syslog sums them up', () => {
    const made = parser()
    const failed = 'Failed password for root from 192.0.2.1 port 5 ssh2'
    const counts = [
      say(failed, made),
      say(`message repeated 4 times: [ ${failed}]`, made),
      say(`message repeated 2 times: [ ${failed}]`, made),
    ].map((event) => (event as { count?: number }).count)
    assert.deepEqual(counts, [1, 4, 2])
    const end = say('Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]', made)
    assert.equal((end as { failures?: number }).failures, 7)
  })

  it('are counted when an old syslog sums them up', () => {
    const made = parser()
    const repeated = 'Mar  1 12:03:09 srv last message repeated 3 times'
    assert.deepEqual(made.line(repeated), [], 'of a line that nobody saw')
    say('Failed password for root from 192.0.2.1 port 5 ssh2', made)
    const event = read(made, repeated)
    assert.equal(event.type, 'ssh.login')
    assert.equal(event.time?.toISOString(), '2025-03-01T12:03:09.000Z')
    assert.deepEqual([event.data.count, event.data.pid, event.data.address], [3, 7, '192.0.2.1'])
    made.line('Mar  1 12:03:09 srv cron[9]: x')
    assert.deepEqual(made.line(repeated), [], 'of another program')
    assert.equal(made.counters.passedBy, 3)
  })
})

describe('names that strangers choose', () => {
  const NAMES = [
    '',
    ' ',
    'two words',
    ' 0101',
    'root"',
    "x' OR 1=1",
    'a from 192.0.2.99 port 22 ssh2',
    'root from 192.0.2.99 port 22',
    `x from 192.0.2.99 port 22 ssh2: RSA ${KEY}`,
    `x from 192.0.2.99 port 22 ssh2: RSA-CERT ${KEY} ID y`,
    'invalid user root',
    '192.0.2.99 port 22 [preauth]',
    'authenticating user root 192.0.2.99 port 22',
    'a [preauth]',
    'x: Too many authentication failures',
    'x 192.0.2.99 port 22: Too many authentication failures',
    'x not allowed because listed in DenyUsers',
    'error: x',
    'message repeated 9 times: [ x]',
    'ü',
    '$(id)',
  ]

  const peer = { address: '198.51.100.7', port: 4711 }
  const at = `${peer.address} port ${peer.port}`
  for (const [form, type] of [
    [`Failed password for invalid user % from ${at} ssh2`, 'ssh.login'],
    [`Failed none for invalid user % from ${at} ssh2`, 'ssh.login'],
    [`Invalid user % from ${at}`, 'ssh.warning'],
    [`maximum authentication attempts exceeded for invalid user % from ${at} ssh2 [preauth]`, 'ssh.warning'],
    [`Connection closed by invalid user % ${at} [preauth]`, 'ssh.disconnect'],
    [`Connection reset by invalid user % ${at} [preauth]`, 'ssh.disconnect'],
    [`Disconnected from invalid user % ${at} [preauth]`, 'ssh.disconnect'],
    [`Disconnecting invalid user % ${at}: Too many authentication failures [preauth]`, 'ssh.disconnect'],
  ] as const) {
    it(`do not deceive: ${form}`, () => {
      for (const name of NAMES) {
        const event = say(form.replace('%', () => name)) as Record<string, unknown>
        assert.equal(event.type, type, name)
        assert.deepEqual(
          { user: event.user, valid: event.validUser, address: event.address, port: event.port },
          { user: name, valid: false, ...peer },
          name,
        )
      }
    })
  }

  it('are read as they were given, out of the escapes of sshd', () => {
    const user = (written: string) =>
      (say(`Invalid user ${written} from 192.0.2.1 port 5`) as { user?: string }).user
    assert.equal(user('m\\303\\274ller'), 'müller')
    assert.equal(user('a\\nb\\tc\\033[31m'), 'a\nb\tc\x1b[31m')
    assert.equal(user('DOMAIN\\\\ann'), 'DOMAIN\\ann')
    assert.equal(user('\\377'), '\\377', 'no UTF-8')
    assert.equal(user('a\\q'), 'a\\q', 'no escape')
  })

  it('may leave it open who it was, and then the connection tells, or nobody', () => {
    const name = 'x 192.0.2.99 port 22: Change of username or service not allowed: (x,ssh-connection) -> (y'
    const line = `Disconnecting invalid user ${name} ${at}: Change of username or service not allowed: (${name},ssh-connection) -> (root,ssh-connection) [preauth]`
    const made = parser()
    say(`Invalid user ${name} from ${at}`, made)
    const told = say(line, made) as Record<string, unknown>
    assert.deepEqual(
      [told.address, told.port, told.user, told.requested],
      [peer.address, peer.port, name, 'root'],
    )
    const open = say(line) as Record<string, unknown>
    assert.equal(open.ambiguous, true)
    assert.deepEqual([open.address, open.port, open.user], [undefined, undefined, undefined])
    assert.equal(open.by, 'server')
  })

  it('do not deceive where a certificate of a known user names another address', () => {
    const id = `y from 192.0.2.99 port 22 ssh2: RSA-CERT ${KEY} ID z`
    const event = say(
      `Failed publickey for ann from ${at} ssh2: RSA-CERT ${KEY} ID ${id} (serial 1) CA RSA ${CA}`,
    ) as Record<string, unknown>
    assert.deepEqual([event.user, event.address, event.port], ['ann', peer.address, peer.port])
    assert.equal((event.certificate as { id: string }).id, id)
  })

  it('never make it throw or lose a line, whatever is put together', () => {
    const random = seeded(20251)
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
    const pieces = [
      'Failed password for ', 'invalid user ', 'user ', ' from ', '192.0.2.1', ' port ', '22', ' ssh2', ': ',
      'Connection closed by ', 'authenticating ', 'Disconnecting ', '[preauth]', ' ', 'error: ', 'PAM ',
      'Received disconnect from ', 'message repeated 3 times: [ ', ']', '\\', '\\377', '\0', 'pam_unix(sshd:auth): ',
      'authentication failure; logname= uid=0', 'ID ', '(serial 1) CA ', 'Unable to negotiate with ', '\ud800',
    ] // biome-ignore format: a list
    const heads = [
      '',
      'Failed password for ',
      'Invalid user a from ',
      'Connection closed by ',
      'Disconnecting ',
    ]
    const made = parser({ maxConnections: 50 })
    const types = new Set<string>()
    for (let step = 0; step < 20_000; step++) {
      const text =
        pick(heads) + Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(pieces)).join('')
      types.add(read(made, `Mar  1 12:03:04 srv sshd[${Math.floor(random() * 200)}]: ${text}`).type)
    }
    assert.ok(types.size >= 4, [...types].join())
    assert.ok(made.remembered <= 100)
  })

  it('cost no more time for being long', () => {
    for (const piece of [' from 1.2.3.4 port 22 ssh2: ', ' port 1: ', ' (serial 1) CA ', 'a', ' ', '\\0']) {
      say(`Failed publickey for invalid user ${piece.repeat(100_000 / piece.length)}`)
      say(`Disconnecting invalid user ${piece.repeat(8000 / piece.length)}`)
      say(`Failed publickey for invalid user ${piece.repeat(8000 / piece.length)} from x`)
    }
  })
})

describe('ends of connections', () => {
  it('are told once, and know who it was', () => {
    const made = parser()
    say('Invalid user oracle from 192.0.2.1 port 5', made)
    const first = say('Received disconnect from 192.0.2.1 port 5:11: Bye [preauth]', made)
    assert.equal(first.type, 'ssh.disconnect')
    assert.equal((first as { user?: string }).user, 'oracle')
    const again = say('Disconnected from invalid user oracle 192.0.2.1 port 5 [preauth]', made)
    assert.deepEqual(again, {
      type: 'ssh.line',
      preauth: true,
      message: 'Disconnected from invalid user oracle 192.0.2.1 port 5',
    })
    say('Failed password for ann from 192.0.2.3 port 6 ssh2', made)
    const other = say('Connection closed by authenticating user ann 192.0.2.3 port 6 [preauth]', made)
    assert.equal(other.type, 'ssh.disconnect', 'the process id came again')
    assert.equal((other as { failures?: number }).failures, 1)
  })

  it('find the connection that another process of the daemon speaks of', () => {
    const made = parser()
    say('Failed password for ann from 192.0.2.3 port 6 ssh2', made, 70)
    const line = 'fatal: Timeout before authentication for connection from 192.0.2.3 to 192.0.2.2, pid = 70'
    const event = say(line, made, 1) as Record<string, unknown>
    assert.deepEqual([event.user, event.port, event.connectionPid], ['ann', 6, 70])
  })
})

describe('sessions', () => {
  it('have a duration, and their disconnection too', () => {
    const made = parser()
    const at = (time: string, pid: number, message: string) =>
      read(made, `2025-03-01T${time}+00:00 srv sshd-session[${pid}]: ${message}`)
    at('12:00:00.5', 70, `Accepted publickey for ann from 192.0.2.1 port 5 ssh2: RSA ${KEY}`)
    const opened = at(
      '12:00:01',
      70,
      'pam_unix(sshd:session): session opened for user ann(uid=1000) by ann(uid=0)',
    )
    assert.deepEqual(opened, {
      type: 'ssh.session',
      time: new Date('2025-03-01T12:00:01Z'),
      data: {
        host: 'srv',
        pid: 70,
        action: 'opened',
        user: 'ann',
        validUser: true,
        uid: 1000,
        by: 'ann',
        byUid: 0,
        address: '192.0.2.1',
        port: 5,
      },
    })
    const channel = at('12:00:02', 71, 'Starting session: shell on pts/0 for ann from 192.0.2.1 port 5 id 0')
    assert.deepEqual(channel.data, {
      host: 'srv',
      pid: 71,
      action: 'opened',
      kind: 'shell',
      tty: 'pts/0',
      user: 'ann',
      validUser: true,
      address: '192.0.2.1',
      port: 5,
      id: 0,
    })
    const gone = at('12:10:00', 71, 'Received disconnect from 192.0.2.1 port 5:11: disconnected by user').data
    assert.deepEqual([gone.user, gone.duration, gone.preauth], ['ann', 599.5, false])
    assert.equal(at('12:10:00', 71, 'Disconnected from user ann 192.0.2.1 port 5').type, 'ssh.line')
    const closed = at('12:10:01', 70, 'pam_unix(sshd:session): session closed for user ann').data
    assert.deepEqual([closed.action, closed.duration, closed.address], ['closed', 600, '192.0.2.1'])
  })

  it('survive a restart, and strangers by the thousand', () => {
    const before = parser({ maxConnections: 10 })
    say('Accepted password for ann from 192.0.2.1 port 5 ssh2', before)
    say('pam_unix(sshd:session): session opened for user ann by (uid=0)', before)
    const made = parser({ maxConnections: 10 })
    made.restore(before.save())
    for (let pid = 100; pid < 5000; pid++) say(`Invalid user x from 192.0.2.9 port ${pid}`, made, pid)
    assert.equal(made.remembered, 11)
    assert.equal(made.counters.forgottenConnections, 4890)
    const closed = say('pam_unix(sshd:session): session closed for user ann', made)
    assert.equal((closed as { duration?: number }).duration, 0)
  })

  it('are forgotten with age', () => {
    const made = parser({ connectionAge: 60_000 })
    const at = (time: string, pid: number, message: string) =>
      read(made, `2025-03-01T${time}Z srv sshd[${pid}]: ${message}`)
    at('12:00:00', 1, 'Accepted password for ann from 192.0.2.1 port 5 ssh2')
    at('12:00:59', 2, 'Accepted password for bob from 192.0.2.1 port 6 ssh2')
    assert.equal(made.remembered, 2)
    at('12:01:01', 3, 'Accepted password for joe from 192.0.2.1 port 7 ssh2')
    assert.deepEqual([made.remembered, made.counters.forgottenConnections], [2, 1])
  })
})

describe('PAM', () => {
  it('tells its failures in a type of its own, each counted', () => {
    const made = parser()
    say('Failed password for root from 192.0.2.1 port 5 ssh2', made)
    const one = say(
      'pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=h.example.org  user=root',
      made,
    )
    assert.deepEqual(one, {
      type: 'ssh.pam',
      module: 'pam_unix',
      service: 'sshd',
      stage: 'auth',
      message: 'authentication failure',
      user: 'root',
      rhost: 'h.example.org',
      tty: 'ssh',
      uid: 0,
      euid: 0,
      failures: 1,
      validUser: true,
      address: '192.0.2.1',
      port: 5,
    })
    const more = say(
      'PAM 5 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1 ',
      made,
    )
    assert.equal((more as { failures?: number }).failures, 5)
    assert.equal(more.type, 'ssh.pam')
  })
})

describe('other lines', () => {
  it('of other programs are passed by and counted, what is no line of a log is refused', () => {
    const made = parser()
    assert.deepEqual(made.line('Mar  1 12:03:04 srv CRON[9]: pam_unix(cron:session): session opened'), [])
    assert.deepEqual(made.line('Mar  1 12:03:04 srv sshdx[9]: Failed password'), [])
    assert.equal(made.counters.passedBy, 2)
    assert.deepEqual(made.line(''), [])
    assert.ok('unparsed' in made.line('rubbish'))
  })
})
