/** What a terminal shows, as a picture for documents. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastScreen, terminalSvg } from '../docs/terminal.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told by
const CODES = /\x1b\[\??\d*[A-Za-z]/g

test('the last whole picture is taken, and none that was cut off', () => {
  const output =
    '\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[K\r\n\x1b[J\x1b[Htwo\x1b[K\r\n<three>\x1b[K\x1b[J\x1b[Hfour\x1b[K\x1b[?25h\x1b[?1049lbye'
  const lines = lastScreen(output).map((line) => line.replace(CODES, ''))
  assert.deepEqual(lines, ['two', '<three>'])
  assert.deepEqual(lastScreen('plain\ntext\n'), ['plain', 'text'])
})

test('bold, dim and red survive, other codes and the signs of XML do no harm', () => {
  const svg = terminalSvg(
    ['\x1b[1mtype\x1b[22m  a<b & c', '\x1b[31mlost \x1b[1m3\x1b[22m\x1b[39m\x1b[K'],
    'a look',
  )
  assert.match(svg, /<tspan class="bold">type<\/tspan> {2}a&lt;b &amp; c/)
  assert.match(svg, /<tspan class="red">lost <\/tspan><tspan class="red bold">3<\/tspan>/)
  assert.match(svg, /aria-label="a look"/)
  assert.ok(!svg.includes('\x1b'))
})
