/** docs/FAQ.md, command by command: real processes on ports of their own. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ROOT } from '../docs/tables.js'
import { here, isLook, plain, roughly, Shell, stepsOf } from '../docs/transcript.js'
import { pause, systemClock } from '../lib/index.js'
import { freePorts } from '../servers/index.js'
import { until } from '../testing/index.js'

const PORTS = ['5555', '5556', '6555', '6556', '9464', '9465', '27017']
/** What is looked at comes by and by: reports each second, a death after five. */
const PATIENCE = 60_000
/** A look starts processes, and the machine has other things to do. */
const BETWEEN_LOOKS = 100

test('every command of FAQ.md prints what stands below it', async () => {
  const steps = stepsOf(await readFile(new URL('docs/FAQ.md', ROOT), 'utf8'))
  assert.ok(steps.length > 20, `only ${steps.length} commands were found`)
  const free = await freePorts(PORTS.length)
  const ports = new Map(PORTS.map((port, i) => [port, free[i]!]))
  await using shell = await Shell.open()
  for (const { command, output } of steps) {
    let said = ''
    const asShown = async () => {
      said = (await shell.run(here(command, ports))).stdout
      if (roughly(said) === roughly(output)) return true
      await pause(systemClock, BETWEEN_LOOKS)
      return false
    }
    if (isLook(command)) await until(command, asShown, PATIENCE).catch(() => {})
    else await asShown()
    assert.equal(roughly(said), roughly(output), command)
    balances(said)
  }
})

/** What may differ from run to run must still add up. */
function balances(said: string): void {
  const way = /http\.hit (\d+) \S+ (\d+) (\d+) \d+ (\d+) (\d+) (\d+)$/gm
  for (const [row, sent, ...parts] of plain(said).matchAll(way))
    assert.equal(
      parts.reduce((sum, each) => sum + Number(each), 0),
      Number(sent),
      row,
    )
  const sink = /^web-1\S+ (?:\(\w+\) )?(\d+) (\d+) (\d+) (\d+) 0 (?:overflow )?(\d+)$/gm
  for (const [row, received, ...parts] of plain(said).matchAll(sink))
    assert.equal(
      parts.reduce((sum, each) => sum + Number(each), 0),
      Number(received),
      row,
    )
}

test('what is compared roughly is not compared loosely', () => {
  assert.equal(roughly('sent 4711  lost 0   in 12:34:56Z'), 'sent N lost 0 in 12:00:00Z')
  assert.notEqual(roughly('lost 12'), roughly('lost 13'))
  assert.notEqual(roughly('lost 0'), roughly('lost 4711'))
  assert.throws(() => balances('shop  http.hit  200  web-1/a  100  50  7  0  0  0'))
  assert.throws(() => balances('web-1/a (slow)  200  100  0  50  0  overflow 49'))
  balances('web-1/a (slow)  200  100  0  50  0  overflow 50')
})
