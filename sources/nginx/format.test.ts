import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFromConfiguration, readFormat } from './format.js'
import { accessLogParser } from './parse.js'

const MAIN = {
  escaping: 'default',
  literals: ['', ' "', '" ', ''],
  variables: ['remote_addr', 'request', 'status'],
}

test('a log_format may be given as a directive, as its pieces or as their text', () => {
  const ways = [
    `log_format main '$remote_addr "$request" $status';`,
    `log_format main\n  '$remote_addr '   # who\n  '"$request" '\n  "$status";\n`,
    `log_format main escape=default '$remote_addr' ' "$request" $status'`,
    `'$remote_addr "$request" $status'`,
    `'$remote_addr ' "\\"$request\\" " '\${status}';`,
    `escape=default $remote_addr "$request" $status`,
    `$remote_addr "$request" $status`,
  ]
  for (const way of ways) assert.deepEqual(readFormat(way), MAIN, way)
})

test('the escape is read from all ways of writing', () => {
  for (const escaping of ['default', 'json', 'none']) {
    const ways = [
      `log_format x escape=${escaping} '$status';`,
      `escape=${escaping} '$status'`,
      `escape=${escaping} $status`,
    ]
    for (const way of ways) {
      assert.deepEqual(readFormat(way), { escaping, literals: ['', ''], variables: ['status'] }, way)
    }
  }
})

test('a text that begins with a quote is not mistaken for a quoted piece', () => {
  assert.deepEqual(readFormat('"$request" $status').literals, ['"', '" ', ''])
  assert.deepEqual(readFormat('{"status":"$status"}').literals, ['{"status":"', '"}'])
})

test('backslashes in pieces are read as nginx reads them', () => {
  assert.deepEqual(readFormat(`'$status\\t\\'\\\\\\d\\n'`).literals, ['', "\t'\\\\d\n"])
})

test('formats that nobody could read are refused with the reason', () => {
  const refused: [string, RegExp][] = [
    ['$status$body_bytes_sent', /some text between \$status and \$body_bytes_sent/],
    ["'$status' '$request_time'", /between \$status and \$request_time/],
    ['no variables here', /at least one \$variable/],
    ['combind', /Did you mean "combined"/],
    ['mine', /expected combined, common or the text of a log_format/],
    ["log_format x escape=xml '$status';", /escape=default, escape=json or escape=none, got "escape=xml"/],
    ["log_format x '$status;", /quotes to be closed/],
    ["log_format x '$status'$host;", /quotes to be closed/],
  ]
  for (const [format, message] of refused) {
    assert.throws(() => readFormat(format), { code: 'FORMAT_INVALID', message })
  }
})

test('neighbours that both may hold spaces are refused, unless something tells them apart', () => {
  const compile = (format: string) => accessLogParser(readFormat(format))
  assert.throws(() => compile('$http_user_agent $http_referer'), {
    code: 'FORMAT_INVALID',
    message: /between \$http_user_agent and \$http_referer.*put it in quotes/,
  })
  compile('"$http_user_agent" $http_referer')
  compile('$request $status')
})

test('a format is found by its name in an nginx configuration', () => {
  const configuration = `
    http { # log_format main '$nothing';
      log_format  short '$remote_addr';
      log_format  main  '$remote_addr '
                        '"$request" $status';
      server { access_log /var/log/nginx/access.log main; location ~ \\.php$ { return 404 "a;b"; } }
    }`
  assert.deepEqual(formatFromConfiguration(configuration, 'main'), MAIN)
  assert.deepEqual(formatFromConfiguration(configuration, 'combined'), readFormat('combined'))
  assert.throws(() => formatFromConfiguration(configuration, 'other'), {
    code: 'FORMAT_INVALID',
    message: /log_format called "other"/,
  })
})
