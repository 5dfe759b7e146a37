/** The program with everything that is secret, and a look for it wherever the program says something. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../servers/index.js'
import { until } from '../testing/index.js'
import { identity, keyList } from '../testing/keys.js'

const PROGRAM = fileURLToPath(new URL('../cli/eventstorm.js', import.meta.url))
const PASSWORD = 'tigers-eat-cake'
const IN_A_URL_FILE = 'lions-eat-bread'
const IN_A_PASSWORD_FILE = 'bears-eat-honey'
const TOKEN = 'whoever-holds-this-token-may-look-at-all-events'

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      said.text += text
    })
  }
  return { child, said }
}

/** Whether a sink has logged that it is down. */
const saysItIsDown = (text: string, name: string) =>
  new RegExp(`^.*"component":"${name}".*sink is down`, 'm').test(text)

test('no secret is in logs, metrics or the title of the process', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'storm-secrets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [router, client] = [identity('router'), identity('client')]
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  const [metrics, closed] = [await freePort(), await freePort()]
  const mongodb = (password: string) =>
    `mongodb://user:${password}@127.0.0.1:${closed}/storm?serverSelectionTimeoutMS=200`
  const [urlFile, passwordFile] = [join(folder, 'url'), join(folder, 'password')]
  writeFileSync(urlFile, mongodb(IN_A_URL_FILE), { mode: 0o600 })
  writeFileSync(passwordFile, IN_A_PASSWORD_FILE, { mode: 0o600 })
  const [sources, sinks] = [0, 1].map((i) => `ipc://${join(folder, `${i}.sock`)}`) as [string, string]
  const dials = { key: client.key, serverKey: router.publicKey }
  const pipeline = join(folder, 'pipeline.yaml')
  writeFileSync(
    pipeline,
    stringify({
      logLevel: 'debug',
      metrics,
      routers: {
        main: {
          bindSources: sources,
          bindSinks: sinks,
          key: router.key,
          allowSources: keyList(client.line),
          allowSinks: keyList(client.line),
        },
      },
      sources: { system: { connect: sources, interval: '1s', ...dials } },
      sinks: {
        mongodb: { connect: sinks, url: `\${STORE}`, ...dials },
        kept: { use: 'mongodb', connect: sinks, urlFile, ...dials },
        cassandra: {
          connect: sinks,
          url: `cassandra://user@127.0.0.1:${closed}/storm`,
          passwordFile,
          ...dials,
        },
        websocket: { connect: sinks, port: await freePort(), tokenFile, ...dials },
      },
    }),
  )
  const { child, said } = start(['up', pipeline], {
    STORE: mongodb(PASSWORD),
  })
  t.after(() => child.kill('SIGKILL'))
  let told = ''
  await until(
    'events pass and the stores could not be reached',
    async () => {
      told = await fetch(`http://127.0.0.1:${metrics}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      )
      const failed = ['mongodb', 'kept', 'cassandra'].every((name) => saysItIsDown(said.text, name))
      return failed && /eventstorm_router_events_out_total{name="main"} [1-9]/.test(told)
    },
    60_000,
  )
  const title = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
  const secrets = [PASSWORD, IN_A_URL_FILE, IN_A_PASSWORD_FILE, TOKEN, router.secretKey, client.secretKey]
  for (const secret of secrets) {
    for (const [where, text] of Object.entries({ log: said.text, metrics: told, title })) {
      assert.ok(text.length > 0, `nothing in the ${where}`)
      assert.ok(!text.includes(secret), `a secret is in the ${where}`)
    }
  }
})

test('no secret is in the text of an error', async (t) => {
  const [router, client] = [identity('router'), identity('client')]
  const url = `mongodb://user:${PASSWORD}@127.0.0.1:1/storm?serverSelectionTimeoutMS=100`
  const commands = [
    ['query', '--store', url, '--from', '1h'],
    ['query', '--store', url.replace('@', '@@')],
    ['sink', 'mongodb', '--url', `mongodb://user:${PASSWORD}@:::/`],
    ['tap', '--key', router.secretKey, '--server-key', client.publicKey],
    ['router', '--key', router.key, '--allow-sources', router.secretKey, '--allow-sinks', client.secretKey],
  ]
  await Promise.all(
    commands.map(async (args) => {
      const { child, said } = start(args)
      t.after(() => child.kill('SIGKILL'))
      const gone = once(child, 'exit')
      // A sink goes on trying; it has said why by then.
      await until(`${args[0]} says what is wrong`, () => said.text.includes('\n'), 60_000)
      child.kill()
      await gone
      for (const secret of [PASSWORD, router.secretKey, client.secretKey]) {
        assert.ok(!said.text.includes(secret), `a secret is in: ${said.text.replaceAll(secret, '<here>')}`)
      }
    }),
  )
})
