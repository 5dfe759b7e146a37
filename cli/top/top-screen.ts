/** The whole terminal for as long as it is open; what was there before comes back afterwards. */
export interface Screen {
  readonly columns: number
  readonly rows: number
  draw(lines: readonly string[]): void
  close(): void
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_REST = '\x1b[J'
/** In raw mode Ctrl-C is a character, not a signal. */
const CTRL_C = '\x03'

/**
 * @param onResize called when there is more or less room
 * @param onQuit called for `q` and Ctrl-C
 */
export function openScreen(onResize: () => void, onQuit: () => void): Screen {
  const { stdin, stdout } = process
  const onKey = (key: string) => {
    if (key === 'q' || key === 'Q' || key === CTRL_C) onQuit()
  }
  const close = () => {
    stdout.off('resize', onResize)
    stdout.write(LEAVE)
    if (stdin.isTTY) stdin.off('data', onKey).setRawMode(false).pause()
    process.off('exit', close)
  }
  stdout.write(ENTER)
  stdout.on('resize', onResize)
  if (stdin.isTTY) stdin.setRawMode(true).setEncoding('utf8').on('data', onKey)
  // Whatever ends the process must not leave a terminal without its cursor.
  process.once('exit', close)
  return {
    get columns() {
      return stdout.columns
    },
    get rows() {
      return stdout.rows
    },
    // One write a picture, and no clearing before it, so that nothing flickers.
    draw: (lines) =>
      void stdout.write(`${HOME}${lines.map((line) => line + CLEAR_LINE).join('\r\n')}${CLEAR_REST}`),
    close,
  }
}
