import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ask, attach } from '../lib/index.js'
import { cassandra, ferretdb, Nginx } from '../servers/index.js'
import mongodb from '../sinks/mongodb/mongodb.js'
import { launch, open, withoutChromium } from '../sinks/websocket/fixtures/chromium.js'
import { CollectingSink, freeEndpoint, until } from '../testing/index.js'

const run = promisify(execFile)
const EXAMPLES = new URL('../../examples/', import.meta.url)

/** Runs an example as a user would, to its end, and returns the lines it printed. */
async function lines(name: string, ...args: string[]): Promise<string[]> {
  const path = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
  const { stdout, stderr } = await run(process.execPath, [path, ...args], { timeout: 60_000 })
  assert.equal(stderr, '')
  return stdout.trimEnd().split('\n')
}

/** An example that runs until it is told to end. */
class Example implements AsyncDisposable {
  #child: ChildProcess
  #said = ''

  constructor(name: string, ...args: string[]) {
    const path = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
    this.#child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text) => {
        this.#said += text
      })
  }

  /** Waits until it has printed this; returns the groups. */
  async says(what: RegExp): Promise<string[]> {
    let found: RegExpExecArray | null = null
    await until(`${what} in ${JSON.stringify(this.#said)}`, () => {
      found = what.exec(this.#said)
      return found
    })
    return found!.slice(1)
  }

  /** Ends it as Ctrl-C does, and expects it to end well. */
  async ends(): Promise<void> {
    const gone = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    assert.deepEqual(await gone, [0, null], this.#said)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await gone
  }
}

const checks: Record<string, () => Promise<void>> = {
  async ask() {
    assert.deepEqual(await lines('ask'), [
      'type, count, avg(total)',
      'order.paid, 10, 5.5',
      'order.placed, 100, 50.5',
      'the latest: order.placed { total: 100 }',
    ])
  },

  async emit() {
    const totals: unknown[] = []
    await using sink = await attach(
      {
        write: (batch) =>
          void totals.push(...batch.events().map(({ data }) => (data as { total: number }).total)),
      },
      { bind: ['tcp://127.0.0.1:0'] },
    )
    assert.deepEqual(await lines('emit', ...sink.endpoints), [
      'order 1 placed, and somebody listens',
      'order 2 placed, and somebody listens',
      'order 3 placed, and somebody listens',
      'emitted 3, sent 3, unwanted 0',
    ])
    await until('the orders are here', () => totals.length === 3)
    assert.deepEqual(totals, [12.5, 25, 37.5])
  },

  async fastify() {
    const heard = new CollectingSink()
    await using sink = await attach(heard, { bind: [freeEndpoint()] })
    await using example = new Example('fastify', ...sink.endpoints)
    const [url] = await example.says(/^listening on (http:.*)$/m)
    await until('somebody listens', async () => {
      await fetch(`${url}/products/1`)
      return heard.events.length > 0
    })
    for (const path of ['/products/7?secret=1', '/broken', '/nowhere']) await fetch(url + path)
    const all = () => heard.events.map(({ data }) => data as Record<string, unknown>)
    await until('all are here', () => all().at(-1)?.status === 404)
    const told = all().slice(-3)
    assert.deepEqual(
      told.map(({ method, route, status }) => `${method} ${route} ${status}`),
      ['GET /products/:id 200', 'GET /broken 500', 'GET none 404'],
    )
    assert.ok(told.every(({ ms }) => typeof ms === 'number' && ms >= 0))
    await example.ends()
    const [sent] = await example.says(/sent (\d+),/)
    assert.equal(Number(sent), heard.events.length)
  },

  async 'live-page'() {
    const skip = withoutChromium()
    await using example = new Example('live-page')
    const [url] = await example.says(/^open (http:.*)$/m)
    assert.equal((await fetch(url!)).status, 200)
    if (skip !== false) return await example.ends()
    const browser = await launch()
    try {
      const { page, problems } = await open(browser, url!)
      const card = page.locator('[data-type="checkout.done"]').first()
      // The title is told with the first heartbeat after the sink has subscribed; the card is there before.
      await card.filter({ hasText: 'Checkouts' }).waitFor()
      assert.match((await card.textContent()) ?? '', /Checkouts/)
      assert.deepEqual(problems, [])
    } finally {
      await browser.close()
    }
    await example.ends()
  },

  async 'nginx-to-mongodb'() {
    if (Nginx.skip() !== false || ferretdb.skip() !== false) return
    await using web = await Nginx.start()
    await using server = await ferretdb.start()
    const url = `${server.url}/example`
    await using example = new Example('nginx-to-mongodb', web.at('access.log'), url)
    await example.says(/^sinks connect to (tcp:.*)$/m)
    const reader = await mongodb.reader!(url)
    try {
      for (let i = 0; i < 30; i++) await web.get(`/?id=${i}`)
      const count = async () => (await ask(reader, { type: 'http.hit' })).rows[0]?.[0]
      await until('every request is stored', async () => (await count()) === 30)
    } finally {
      await reader[Symbol.asyncDispose]()
    }
    await example.ends()
    await example.says(/^sent 30, received 30, lost 0, written 30$/m)
  },

  async 'postfix-to-cassandra'() {
    if (cassandra.skip() !== false) return
    await using server = await cassandra.start()
    const log = fileURLToPath(new URL('../../sources/postfix/samples/mail.log', import.meta.url))
    const [totals, types, ...rows] = await lines('postfix-to-cassandra', log, `${server.url}/example`)
    const [, sent, received, written] =
      /^sent (\d+), received (\d+), lost 0, written (\d+)$/.exec(totals!) ?? []
    assert.ok(Number(sent) > 0 && sent === received && sent === written, totals)
    assert.equal(types, 'type, count')
    const at = rows.indexOf('status, count, avg(delay)')
    const counted = rows.slice(0, at).map((row) => Number(row.split(', ')[1]))
    assert.equal(
      counted.reduce((sum, count) => sum + count),
      Number(sent),
    )
    assert.ok(rows.slice(at + 1).some((row) => /^sent, \d+, [\d.]+$/.test(row)))
  },

  async 'router-in-process'() {
    assert.deepEqual(await lines('router-in-process'), [
      'shop-1 order.placed 0',
      'shop-2 order.placed 0',
      'passed on 2, filtered 2, duplicate 0',
    ])
  },

  async transaction() {
    // How long it takes is the machine's affair, and said in another way from a second on.
    const said = (await lines('transaction')).map((line) =>
      line.replace(/in \d{4,} ms/, 'in less than a second'),
    )
    assert.deepEqual(said, [
      'order-1: started, paid, shipped, completed in less than a second',
      'order-2: started, paid, shipped, completed in less than a second',
      'order-3: started, failed in less than a second (the card is over its limit)',
    ])
  },

  async 'two-routers'() {
    const [totals, twice] = await lines('two-routers')
    const [, sent, received] = /^sent (\d+), received (\d+), lost 0$/.exec(totals!) ?? []
    assert.ok(Number(sent) >= 10_000 && sent === received, totals)
    const [, duplicate] = /^(\d+) came twice and were discarded$/.exec(twice!) ?? []
    assert.ok(Number(duplicate) > 0 && Number(duplicate) < Number(sent), twice)
  },
}

for (const [name, check] of Object.entries(checks)) test(`examples/${name}.ts does what it says`, check)

test('every example is checked and listed, and imports only what a user can', () => {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const programs = files.filter((name) => !name.includes('/'))
  assert.deepEqual(
    programs.sort(),
    Object.keys(checks)
      .map((name) => `${name}.ts`)
      .sort(),
  )
  // What lies in a folder has its test beside it, which runs like all others.
  for (const folder of new Set(files.filter((name) => name.includes('/')).map((name) => dirname(name))))
    assert.ok(
      files.some((name) => dirname(name) === folder && name.endsWith('.test.ts')),
      `examples/${folder} needs a test`,
    )
  const listed = readFileSync(new URL('README.md', EXAMPLES), 'utf8')
  for (const name of files) {
    assert.ok(
      listed.includes(`(${name})`) || listed.includes(`(${dirname(name)}/)`),
      `${name} is to be listed`,
    )
    const text = readFileSync(new URL(name, EXAMPLES), 'utf8')
    for (const [, specifier] of text.matchAll(/from '([^']+)'/g)) {
      assert.match(specifier!, /^(eventstorm(\/|$)|node:|fastify$|\.\/)/, name)
    }
    if (!name.endsWith('.test.ts') || name.startsWith('own-pipeline'))
      assert.match(
        text,
        /^\/\*\n \* [A-Z].*\n[\s\S]*? {5}node (--test )?dist\//,
        `${name} says how it is run`,
      )
  }
})
