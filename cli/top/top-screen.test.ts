/** `top` on a real terminal: it takes the whole of it, draws, quits by its key, and gives it back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { attach, EventRouter, EventSource } from '../../lib/index.js'
import { findProgram } from '../../servers/index.js'
import { freeEndpoint, until } from '../../testing/index.js'

const CLI = fileURLToPath(new URL('../eventstorm.js', import.meta.url))
const COLUMNS = 90
const ROWS = 20
/** For a machine that has much else to do, milliseconds. */
const WAIT = 60_000

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told by
const CODES = /\x1b\[[\d;?]*[A-Za-z]/g

for (const [flags, asks, title, row] of [
  [
    [],
    2,
    /^eventstorm top {2}tcp:\S+ {2}\d+ streams?, by rate, q quits$/,
    /^shop\.sale +shop +[\d.]+ +40 +0 +0$/,
  ],
  [
    ['--audit'],
    1,
    /^eventstorm top --audit {2}tcp:\S+ {2}\d\d:\d\d:\d\dZ, q quits$/,
    /^shop +shop\.sale +40 +\S+\/till +40 +0 +0 +0 +0 +0$/,
  ],
] as const) {
  const name = ['top', ...flags].join(' ')
  test(`${name} takes the terminal, and gives it back`, async (t) => {
    const script = findProgram('script')
    if (script === undefined) {
      assert.ok(!process.env.CI, 'script is missing: install bsdutils')
      return t.skip('NO SCRIPT HERE: install bsdutils to run this test')
    }
    await using router = new EventRouter({ bindSources: [freeEndpoint()], bindSinks: [freeEndpoint()] })
    const [sources, sinks] = [router.sourceEndpoints[0]!, router.sinkEndpoints[0]!]
    await using _sink = await attach(
      { write: () => {} },
      { name: 'till', connect: [sinks], report: [sources], subscribe: ['shop.**'] },
    )
    await until('the sink has asked', () => router.counters().subscriptions === 1, WAIT)
    const command = [process.execPath, CLI, 'top', '--connect', sinks, '--interval', '200ms', ...flags]
    const shell = `stty cols ${COLUMNS} rows ${ROWS}; exec ${command.join(' ')}`
    const top = spawn(script, ['-qec', shell, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm-256color' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const gone = once(top, 'close')
    try {
      let output = ''
      top.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      await until('it has asked the router', () => router.counters().subscriptions === 1 + asks, WAIT)
      await using source = new EventSource({ source: 'shop', connect: [sources] })
      await source.subscribed('shop.sale', { timeout: WAIT })
      for (let n = 0; n < 40; n++) source.emit('shop.sale', { n })
      const lines = () => {
        const picture = output.split('\x1b[H').slice(1, -1).at(-1) ?? ''
        return picture.replace(CODES, '').split(/\r*\n/)
      }
      await until('the stream is shown', () => lines().some((line) => row.test(line)), WAIT)
      assert.match(lines()[0]!, title)
      assert.ok(lines().length <= ROWS)
      assert.ok(lines().every((line) => line.length <= COLUMNS))
      assert.ok(output.startsWith('\x1b[?1049h'))
      top.stdin.write('q')
      assert.equal((await gone)[0], 0)
      assert.ok(output.trimEnd().endsWith('\x1b[?25h\x1b[?1049l'), 'what was there before comes back')
    } finally {
      top.kill('SIGKILL')
      await gone
    }
  })
}
