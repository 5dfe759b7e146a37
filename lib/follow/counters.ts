import { type CounterInfos, level, total } from '../index.js'

/** What is counted of the lines that go through a parser. */
export const LOG_COUNTERS: CounterInfos = {
  events: total('Events that the parser made of the lines.'),
  unparsed: total('Lines that fit no format; each is an event of type log.unparsed.'),
  refused: total('Events that could not be sent, not even as log.unparsed.'),
}

/** What every log source counts. */
export const FOLLOW_COUNTERS: CounterInfos = {
  files: level('Files that are open.'),
  lines: total('Lines that were read.'),
  cut: total('Lines longer than maxLineBytes, which were cut.'),
  invalidUtf8: total('Lines with bytes that are no UTF-8; each such place became U+FFFD.'),
  nulBytes: total('NUL bytes skipped at the start of lines.'),
  bytesRead: total('Bytes that were read.'),
  rotations: total('Times that a name came to stand for another file, or for none.'),
  truncations: total('Times that a file was truncated or written anew under its name.'),
  failures: total('Files that could not be opened or read, each time it was tried.'),
  rounds: total('Times that a replayed file began anew.'),
  ...LOG_COUNTERS,
}
