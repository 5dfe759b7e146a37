import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from '../../testing/index.js'
import { SyslogHeads, type SyslogOptions } from './index.js'

const REFERENCE = Date.parse('2025-07-01T00:00:00Z')
const reader = (options: SyslogOptions = {}) =>
  new SyslogHeads({ zone: 'UTC', reference: REFERENCE, ...options })
const read = (line: string, options?: SyslogOptions) => reader(options).read(line)

/** The head with the time as a text and the message itself, as people read it. */
function show(line: string, options?: SyslogOptions) {
  const head = read(line, options)
  if (head === undefined) return undefined
  const { time, messageAt, ...rest } = head
  return { ...rest, time: new Date(time).toISOString(), message: line.slice(messageAt) }
}

describe('head of a syslog line', () => {
  it('reads RFC 3164 stamps, host, program and process id', () => {
    assert.deepEqual(show('Mar  1 12:03:04 mx postfix/smtpd[71]: connect from a[192.0.2.1]'), {
      time: '2025-03-01T12:03:04.000Z',
      host: 'mx',
      program: 'postfix/smtpd',
      pid: 71,
      message: 'connect from a[192.0.2.1]',
    })
    assert.equal(show('Mar 11 12:03:04 mx a: b')!.time, '2025-03-11T12:03:04.000Z')
    assert.equal(show('Mar 01 12:03:04 mx a: b')!.time, '2025-03-01T12:03:04.000Z')
    assert.equal(show('Mar 1 12:03:04.25 mx a: b')!.time, '2025-03-01T12:03:04.250Z')
  })

  it('reads RFC 3339 stamps with every kind of offset', () => {
    const at = (stamp: string, zone = 'UTC') => show(`${stamp} mx a[1]: b`, { zone })?.time
    assert.equal(at('2025-02-02T09:50:42.211184+01:00'), '2025-02-02T08:50:42.211Z')
    assert.equal(at('2025-02-02T09:50:42-0330'), '2025-02-02T13:20:42.000Z')
    assert.equal(at('2025-02-02T09:50:42+01'), '2025-02-02T08:50:42.000Z')
    assert.equal(at('2025-02-02T09:50:42Z'), '2025-02-02T09:50:42.000Z')
    assert.equal(at('2025-02-02T09:50:42', '+02:00'), '2025-02-02T07:50:42.000Z')
    assert.equal(at('2024-02-29T23:59:60Z'), '2024-03-01T00:00:00.000Z')
    assert.equal(at('2025-02-29T00:00:00Z'), undefined)
    assert.equal(at('2025-13-01T00:00:00Z'), undefined)
  })

  it('reads programs of every shape', () => {
    const program = (text: string) => {
      const { time: _, ...rest } = show(`Mar  1 12:03:04 mx ${text}`)!
      return rest
    }
    assert.deepEqual(program('postfix-192.0.2.9/a/smtpd[7]: x'), {
      host: 'mx',
      program: 'postfix-192.0.2.9/a/smtpd',
      pid: 7,
      message: 'x',
    })
    assert.deepEqual(program('kernel: [12.3] eth0: up'), {
      host: 'mx',
      program: 'kernel',
      message: '[12.3] eth0: up',
    })
    assert.deepEqual(program('(systemd)[8]: x'), { host: 'mx', program: '(systemd)', pid: 8, message: 'x' })
    assert.deepEqual(program('A::B: x'), { host: 'mx', program: 'A::B', message: 'x' })
    assert.deepEqual(program('a[b-c]: x'), { host: 'mx', program: 'a', message: 'x' })
    assert.deepEqual(program('a[1]:'), { host: 'mx', program: 'a', pid: 1, message: '' })
    assert.deepEqual(program('last message repeated 2 times'), {
      host: 'mx',
      program: '',
      message: 'last message repeated 2 times',
    })
    assert.deepEqual(program('a[b c]: x'), { host: 'mx', program: '', message: 'a[b c]: x' })
    assert.deepEqual(program(''), { host: 'mx', program: '', message: '' })
  })

  it('reads lines without a host, as local sockets have them', () => {
    assert.equal(show('Mar  1 12:03:04 sshd[12]: x')!.host, '')
    assert.equal(show('Mar  1 12:03:04 sshd[12]: x')!.program, 'sshd')
    assert.equal(show('Mar  1 12:03:04 fe80::1 sshd[12]: x')!.host, 'fe80::1')
  })

  it('reads from where it is told', () => {
    const line = '<34>Mar  1 12:03:04 mx a[1]: b'
    assert.equal(reader().read(line, 4)!.messageAt, line.length - 1)
  })

  it('refuses what is no head', () => {
    for (const line of [
      '',
      ' ',
      'Mar',
      'Mar  1',
      'Mar  1 12:03',
      'Mar  1 12:03:04',
      'Mar  1 12:03:04  a: b',
      'Mar  1 12:03:61 mx a: b',
      'Mar  1 24:03:01 mx a: b',
      'Mar 32 12:03:01 mx a: b',
      'Mar  0 12:03:01 mx a: b',
      'Abc  1 12:03:01 mx a: b',
      'Mar  1 12.03:01 mx a: b',
      '2025-02-02',
      '2025-02-02T09:50',
      '2025-02-02X09:50:42Z mx a: b',
      '2025-02-02T09:50:42Zmx a: b',
      '20250202T095042Z mx a: b',
    ]) {
      assert.equal(read(line), undefined, line)
    }
  })
})

describe('year of a stamp that has none', () => {
  const years = (stamps: string[], reference: string, during = (_: SyslogHeads, __: number) => {}) => {
    const heads = new SyslogHeads({ zone: 'UTC' })
    heads.begin(Date.parse(reference))
    return stamps.map((stamp, index) => {
      during(heads, index)
      return new Date(heads.read(`${stamp} mx a: b`)!.time).getUTCFullYear()
    })
  }

  it('comes from when the file was last written', () => {
    assert.deepEqual(years(['Mar  1 00:00:00', 'Mar  9 00:00:00'], '2019-03-09T00:00:01Z'), [2019, 2019])
    assert.deepEqual(years(['Apr  1 00:00:00', 'Mar  9 00:00:00'], '2019-03-09T00:00:01Z'), [2018, 2019])
    assert.deepEqual(years(['Feb 29 00:00:00'], '2019-03-09T00:00:01Z'), [2016])
  })

  it('goes over New Year', () => {
    const stamps = ['Dec 31 23:59:59', 'Jan  1 00:00:00', 'Dec 31 23:59:59', 'Jan  1 00:00:01']
    assert.deepEqual(years(stamps, '2020-01-01T00:00:01Z'), [2019, 2020, 2019, 2020])
  })

  it('follows a file that is being written for years', () => {
    const stamps = [
      'Dec 31 23:59:59',
      'Jan  1 00:00:00',
      'Jun  1 00:00:00',
      'Dec 31 00:00:00',
      'Jan  1 00:00:00',
    ]
    const presents = ['2019-12-31', '2020-01-01', '2020-06-01', '2020-12-31', '2021-01-01']
    const during = (heads: SyslogHeads, index: number) => heads.advance(Date.parse(presents[index]!))
    assert.deepEqual(years(stamps, '2019-12-31T23:00:00Z', during), [2019, 2020, 2020, 2020, 2021])
  })

  it('is not moved by the present while an old file is read', () => {
    const stamps = ['Nov 30 00:00:00', 'Dec 31 23:59:59', 'Jan  1 00:00:00', 'Jan  5 00:00:00']
    const during = (heads: SyslogHeads, index: number) => {
      if (index > 0) heads.advance(Date.parse('2026-11-21'))
    }
    assert.deepEqual(years(stamps, '2020-01-05T00:00:01Z', during), [2019, 2019, 2020, 2020])
  })

  it('allows a clock that is a little ahead', () => {
    assert.deepEqual(years(['Mar  9 00:05:00'], '2019-03-09T00:00:01Z'), [2019])
  })
})

describe('zone of a stamp that has none', () => {
  it('is an offset, or a name with its summer time', () => {
    const at = (stamp: string, zone: string) => show(`${stamp} mx a: b`, { zone })!.time
    assert.equal(at('Mar  1 12:00:00', '-0330'), '2025-03-01T15:30:00.000Z')
    assert.equal(at('Mar  1 12:00:00', 'Europe/Berlin'), '2025-03-01T11:00:00.000Z')
    assert.equal(at('Jun  1 12:00:00', 'Europe/Berlin'), '2025-06-01T10:00:00.000Z')
    assert.equal(at('2024-10-27T02:30:00', 'Europe/Berlin'), '2024-10-27T00:30:00.000Z')
    assert.equal(at('2024-03-31T03:00:00', 'Europe/Berlin'), '2024-03-31T01:00:00.000Z')
    assert.equal(at('2024-03-31T01:59:59', 'Europe/Berlin'), '2024-03-31T00:59:59.000Z')
    assert.equal(at('Mar  1 12:00:00', 'Asia/Kathmandu'), '2025-03-01T06:15:00.000Z')
  })

  it('is the machine own by default', () => {
    const head = new SyslogHeads({ reference: REFERENCE }).read('Mar  1 12:03:04 mx a: b')!
    assert.equal(head.time, new Date(2025, 2, 1, 12, 3, 4).getTime())
  })

  it('must exist', () => {
    assert.throws(() => new SyslogHeads({ zone: 'Mars/Olympus' }), RangeError)
  })
})

describe('heads in any order', () => {
  const random = seeded(31)
  const below = (limit: number) => Math.floor(random() * limit)
  const pad = (value: number) => String(value).padStart(2, '0')
  const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

  it('says again what was written, with one reader for all lines', () => {
    const heads = reader()
    let now = Date.parse('2024-07-04T00:00:00Z')
    for (let step = 0; step < 5000; step++) {
      now += below(2) * below(10) * 1000 + (below(20) === 0 ? below(3_000_000) : 0)
      if (now > REFERENCE) break
      const date = new Date(Math.floor(now / 1000) * 1000)
      const clock = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`
      const short = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${clock}`
      const stamp = below(2) ? short : date.toISOString()
      const host = ['mx', 'mail.example.org', '2001:db8::1'][below(3)]!
      const program = ['sshd', 'postfix/smtpd', 'postfix-in.b/x/y-z', 'CRON'][below(4)]!
      const pid = below(2) ? below(100_000) : undefined
      const message = ['', 'text', ' two: [x] ', 'ü'][below(4)]!
      const line = `${stamp} ${host} ${program}${pid === undefined ? '' : `[${pid}]`}: ${message}`
      const expected = { time: date.getTime(), host, program, ...(pid === undefined ? {} : { pid }) }
      const { messageAt, ...head } = heads.read(line)!
      assert.deepEqual(head, expected, line)
      assert.equal(line.slice(messageAt), message)
    }
  })

  it('never throws, whatever is cut or changed', () => {
    const heads = reader()
    const whole = ['Mar  1 12:03:04 mx postfix/smtpd[71]: x', '2025-02-02T09:50:42.211184+01:00 mx a[1]: b']
    let read = 0
    for (let step = 0; step < 20_000; step++) {
      const characters = [...whole[below(2)]!.slice(below(3) ? 0 : below(10))]
      for (let change = below(3); change > 0; change--) {
        characters[below(characters.length)] = String.fromCharCode(below(4) ? 32 + below(95) : below(65_536))
      }
      const line = characters.join('').slice(0, below(5) ? undefined : below(40))
      const head = heads.read(line)
      if (head === undefined) continue
      read++
      assert.ok(Number.isFinite(head.time), line)
      assert.ok(head.messageAt <= line.length, line)
    }
    assert.ok(read > 1000 && read < 19_000)
  })
})
