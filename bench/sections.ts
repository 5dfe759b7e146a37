/** What docs/BENCHMARKS.md says of each question, and how it draws the answer. */
import { type Bar, bars, type Line, lines } from './plot.js'
import type { Row, Table } from './report.js'

export interface Section {
  name: string
  title: string
  /** How it is measured. */
  how: string
  /** What bounds the ratios, or what the machine makes of them. */
  bound: string
  /** The picture of it. */
  plot(tables: Table[]): string
}

const number = (cell: string | number | undefined) => {
  const value = cell === undefined || cell === '' ? Number.NaN : Number(cell)
  return Number.isNaN(value) ? undefined : value
}

/** A bar for each row that `which` takes; ours are those that say so. */
function barsOf(rows: Row[], label: (row: Row) => string, column: string, ours = /eventstorm/): Bar[] {
  return rows.map((row) => ({ label: label(row), value: number(row[column]), ours: ours.test(label(row)) }))
}

/** Points of the rows of each name. */
function linesOf(rows: Row[], name: (row: Row) => string, x: string, y: string): Line[] {
  const names = [...new Set(rows.map(name))]
  return names.map((each) => ({
    name: each,
    points: rows.filter((row) => name(row) === each).map((row) => ({ x: Number(row[x]), y: Number(row[y]) })),
  }))
}

const cell = (column: string) => (row: Row) => String(row[column])

export const SECTIONS: Section[] = [
  {
    name: 'throughput',
    title: 'How many events a second, from object to object?',
    how: `A sender and a receiver are processes of their own, on tcp over loopback. The sender has the objects at hand; the receiver
reads every field of each event, two of them, or a number in the bytes, and adds up what it read, so that an event that was
wrong, missing or doubled would show. All take turns in one run. The naive program is what somebody would write with zeromq
and bson; NATS, Redis and MQTT run with their own servers and their usual clients, with JSON, one event a message and a
hundred as a list in one. Of everybody at most 40,000 events are on the way: the receiver tells the sender how far it is.
The C program, which is the ceiling, sends the same bytes in messages of the same size (64 KiB) and adds up the same
numbers; it is held back by libzmq itself, 1000 messages at each end. Every Node.js process here has \`relaxCollector\`, as the
program has it, but for one row. Everybody runs for some seconds, so the faster ones send more events. The ratios are medians of
the ratios of each round.`,
    bound: `Sender and receiver share the machine with libzmq's threads and, where there is one, the router or broker between them. With
two cores that is what bounds everybody who needs more than two busy threads: through a router or a broker three processes
share two cores, so the CPU of an event says more than the rate. What C on libzmq does is what the loopback device and the
copying of bytes leave.`,
    plot: ([rates]) => bars('events a second', barsOf(rates!.rows, cell('case'), 'events/s')),
  },
  {
    name: 'latency',
    title: 'How long is an event on its way?',
    how: `From the call of emit in one process until the event is an object in another, over tcp, at a steady pace. Both read the clock
that all processes of a machine share.`,
    bound: `The sender sleeps a millisecond between portions, as timers of Node are no finer, so events wait for each other within a
portion; what is above that is the scheduler of the system, and what else runs on the machine.`,
    plot: ([rates]) =>
      bars('99 of 100 events take at most, milliseconds', barsOf(rates!.rows, cell('case'), 'p99 ms', /./)),
  },
  {
    name: 'codec',
    title: 'What does it cost to write and to read an event?',
    how: `Events of 15 fields to BSON and back in one process, against the bson package on the same events, in turns. The bytes are
compared with those of bson, and what was read is added up.`,
    bound: `One thread, no input or output: the processor alone. Objects that are made are collected, and that is part of it.`,
    plot: ([rates]) => bars('events a second', barsOf(rates!.rows, cell('case'), 'events/s')),
  },
  {
    name: 'parse',
    title: 'How many lines of an access log a second?',
    how: `Whole processes, timed from outside, each on the first core alone: a log in the combined format is parsed, encoded, and
published to a subscriber in another process. Beside it a program with readline and a regular expression that makes the same
documents, mtail with its program for this format, and GoAccess; those two count where ours makes events. Each must have
found the totals that were written. Ours have \`relaxCollector\`, as the program has it.`,
    bound: `The start of the process is part of the time, of every program. Publishing has libzmq's thread on the same core
as the parser, but in the row on all cores, where the subscriber needs its part of them, too. In twenty pairs of runs, one
after the other, that row had 0.79 of the rate of the encoder alone (half of the pairs between 0.72 and 0.82). A third of what
lies between the two is the same parsing, which is slower while the other core copies messages; the rest is the header of each
event, the copy into its message, and what V8 and the kernel do for buffers that are new each time.`,
    plot: ([rates]) => bars('lines a second', barsOf(rates!.rows, cell('program'), 'lines/s')),
  },
  {
    name: 'follow',
    title: 'What gets lost when a log is rotated?',
    how: `Followers of a log go through the same script of renames, copytruncates and writes that are cut inside a character, once
undisturbed and once with the follower killed and started again. Each line has a number.`,
    bound: `How many lines the others lose depends on when they look, and so on the load of the machine; that ours loses none does not.`,
    plot: ([rows]) =>
      bars('lines lost, with restarts', barsOf(rows!.rows, cell('follower'), 'lost (killed)')),
  },
  {
    name: 'router',
    title: 'What does a router cost?',
    how: `The same sender and the same receiver, which hand over bytes in messages of a hundred events and read a number of each, with
our router between them, with the proxy of libzmq in a process of Node, and with that proxy in C. The proxies pass bytes on;
ours looks at every header, counts, and forwards each message once. The CPU is that of the whole process between them.`,
    bound: `Three processes on two cores: the rate is bounded by all three together, so it moves less than the router's own cost does.`,
    plot: ([rows]) =>
      bars(
        'CPU of the router, microseconds of an event',
        barsOf(
          rows!.rows.filter((row) => number(row['router us/event']) !== 0),
          cell('router'),
          'router us/event',
        ),
      ),
  },
  {
    name: 'fan-out',
    title: 'What do many sinks cost?',
    how: `One source, one router, and sinks that all want everything; each of them must get every event. CPU of each process, in steady
state.`,
    bound: `Every delivery is bytes through the loopback device, to the router's thread of libzmq and from it. All sinks live in one
process and share one thread of JavaScript.`,
    plot: ([rows]) =>
      lines('CPU of a delivery, microseconds', 'sinks', [
        ...linesOf(rows!.rows, () => 'router', 'sinks', 'router us/delivery'),
        ...linesOf(rows!.rows, () => 'sinks', 'sinks', 'sinks us/delivery'),
      ]),
  },
  {
    name: 'clients',
    title: 'What does an event cost a source in C, in Ruby and in TypeScript?',
    how: `The same events of 15 fields, made in each language and emitted over tcp into the same sink, in turns; the CPU of the
source's process with all its threads, from the first event to the last byte. Warm is what each further event takes in a run
that is four times as long, after Node.js has compiled what it runs often. The sink decodes what came afterwards.`,
    bound: `CPU is what is compared. Making the event is part of it: an object in TypeScript and in Ruby, a document in C, which with
libbson is about half of what it takes.`,
    plot: ([rows]) =>
      bars('microseconds of CPU an event', barsOf(rows!.rows, cell('client'), 'CPU us/event', /TypeScript/)),
  },
  {
    name: 'emit',
    title: 'What does one emit cost?',
    how: `The time of the call itself, in portions of a thousand, with nobody there, with somebody who asked for another type, and with a
listener in another process; the CPU of the whole process an emit, where sending and collecting is in; what a call leaves
to be collected; and the heap after a collection, early and at the end. A naive publisher serializes before it can know that
nobody is there.`,
    bound: `One thread. Between portions there is a turn of the event loop, in which messages leave.`,
    plot: ([rows]) =>
      bars(
        'nanoseconds a call',
        barsOf(
          rows!.rows.filter((row) => !String(row.case).startsWith('naive')),
          cell('case'),
          'ns/emit',
        ),
      ),
  },
  {
    name: 'scale',
    title: 'How does the cost of an event grow?',
    how: `CPU of all three hops of an event, from sources through a router to sinks that decode everything, when there are more sources,
types, subscriptions or sinks (of a delivery, then), or when events are larger. A hundred events of one source and type come
in a row, so that messages are alike; the last rows show what happens when every event is of another type than the one
before and messages become small. Every source and type has been seen before the measuring begins.`,
    bound: `Larger events cost more because their bytes are copied; they stand here to show by how much.`,
    plot: ([rows]) =>
      lines(
        'CPU of an event, relative to the first level',
        'how many',
        linesOf(
          rows!.rows.filter((row) => row.flat !== ''),
          cell('what'),
          'level',
          'x first',
        ),
        1.2,
      ),
  },
  {
    name: 'stores',
    title: 'How many events a second does a store take?',
    how: `End to end from the wire into each store, against the driver's own best loop, which has its events at hand where the sink has
to receive, queue and decode them. Both in turns; everything is read back. The ratio is the median of those of neighbours in
time.`,
    bound: `Store, sink and source share the cores: a server that takes both of them leaves little for whoever feeds it.`,
    plot: ([rows]) =>
      bars(
        'events a second',
        barsOf(
          rows!.rows,
          (row) =>
            String(row.what).startsWith('eventstorm') ? String(row.what) : `${row.store}: the driver's loop`,
          'events/s',
        ),
      ),
  },
  {
    name: 'segments',
    title: 'What does the segments store carry, and how soon does it answer?',
    how: `Events are offered at a pace for a while, with the bounds that everybody has; then a process that has just been started asks
for the counts by type and minute. Every answer must add up to what was written.`,
    bound: `Writing, merging and the disk share the machine with the sender.`,
    plot: ([, questions]) =>
      bars(
        'milliseconds from the start of a process to the answer',
        barsOf(questions!.rows, (row) => `${row.events} events`, 'ms, since the process began', /./),
      ),
  },
  {
    name: 'websocket',
    title: 'What do browsers cost?',
    how: `Many browsers at four ticks a second, and a flood of events at a sink with fifty of them; delays are from the making of a tick
to its arrival. Nothing may be lost.`,
    bound: `All browsers live in one process, on the machine of the sink.`,
    plot: ([rows]) =>
      bars(
        '99 of 100 ticks arrive within, milliseconds',
        barsOf(
          rows!.rows,
          (row) => `${row.transport}, ${row.browsers} browsers, ${row['events/s']} events/s`,
          'p99 ms',
          /./,
        ),
      ),
  },
  {
    name: 'floods',
    title: 'What do strangers cost the honest?',
    how: `An honest source emits 5000 events a second through a router to a sink, each a process of its own, while a stranger in a
fourth floods the router: at endpoints with keys, of which it has none or one that is in no list, and at plain ones. The rows
without a flood are of the same run. The last row is a source that is in the list and sends faster than anybody reads.`,
    bound: `The stranger takes a core of its own, or more, from the honest: with two cores four processes and the threads of libzmq
wait for each other, and that is in the delays.`,
    plot: ([rows]) =>
      bars(
        '99 of 100 events take at most, milliseconds',
        barsOf(rows!.rows, (row) => `${row.flood}, ${row.endpoint}`, 'p99 ms', /./),
      ),
  },
  {
    name: 'profile',
    title: 'The limits that remain',
    how: `Sender, router and receiver of the first question under V8's sampling profiler. The CPU of each thread is what the system
counts; the main thread's is shared out by its samples. V8 does not know the names of zeromq's native functions.`,
    bound: `What would remove them: libzmq's threads hand bytes to the kernel and take them from it, which only sharing memory between
processes would spare, and events would leave the machine no more. Writing and reading texts is UTF-8 against JavaScript's
own representation; a sink that reads two fields, or keeps bytes, does without. The objects that a sink is handed have to be
made and collected; who reads messages as bytes does not pay for them.

From bytes to bytes (the first question) the rate is that of C or little less, with half as much CPU again at the sender and
none more at the receiver. By \`perf\`, of the sender: a third is the kernel's copying and waking; a quarter the copying of
events into a message, half of that page faults of buffers that are new each time; a twelfth looking at the length and the
keys of each event. The rest are objects that V8 and zeromq.js make for each message, and the start of the process. What would
remove it are buffers that are used again, but zeromq.js does not tell when libzmq is done with one.

It took twice the CPU of C until two things were found. \`emit\` is called for each event, \`emitEncoded\` for many. And V8
counts messages that are not freed yet, which lie outside of its heap, and marks all of its heap after 64 MiB of them: a fifth
of the CPU at both ends. A minor collection after every 12 MiB that came (\`relaxCollector\`) frees them before. At a sender V8
makes one by itself after 32 MiB, which frees what has left by then; what survives two of them is freed by a major one alone,
so that more on the way than is allowed here costs CPU. Tried, of no or little use: messages of 256 KiB, and fewer returns of
memory to the system.`,
    plot: (tables) =>
      bars(
        'CPU of an event, microseconds',
        tables
          .filter((_, i) => i % 2 === 0)
          .flatMap(({ title, rows }) =>
            barsOf(
              rows.slice(0, 6),
              (row) => `${title.replace(/:.*$/, '')}: ${row.where}`,
              'us/event',
              /lib\//,
            ),
          ),
      ),
  },
]
