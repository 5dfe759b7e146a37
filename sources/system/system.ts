import {
  defineSource,
  duration,
  type Emit,
  list,
  reason,
  type SourceComponent,
  type SourceContext,
  total,
  z,
} from '../../lib/index.js'
import { hints } from './hints.js'
import { type Driver, makeReadings, READINGS, type Reading, type ReadingName } from './readings.js'

const options = z.strictObject({
  interval: duration()
    // Within half a second the driver answers with the network's figures of the last time.
    .pipe(z.number().min(1000, 'expected at least 1000 ms'))
    .prefault('2s')
    .meta({ description: 'Time between two readings, 1s at the least.', argument: 'time' }),
  only: list()
    .pipe(z.array(z.enum(READINGS)))
    .meta({
      description: `What to read: ${READINGS.join(', ')}; repeatable. Default: all of them.`,
      argument: 'what',
    }),
})

const loadDriver = async (): Promise<Driver> => (await import('systeminformation')).default

/** Reads the machine at an interval. Each kind of reading goes its own way: one that hangs or fails holds up no other. */
export class SystemSource implements SourceComponent {
  #options: z.output<typeof options>
  #load: () => Promise<Driver>
  #context!: SourceContext
  #emit!: Emit
  #stop: (() => void) | undefined
  #underWay = new Set<ReadingName>()
  #failing = new Set<ReadingName>()
  #readings = 0
  #overdue = 0
  #failed: Record<ReadingName, number> = { cpu: 0, memory: 0, disk: 0, network: 0 }

  constructor(given: z.output<typeof options>, load = loadDriver) {
    this.#options = given
    this.#load = load
  }

  async open(emit: Emit, context: SourceContext): Promise<void> {
    this.#emit = emit
    this.#context = context
    const { interval, only } = this.#options
    const readings = Object.entries(makeReadings(await this.#load())) as [ReadingName, Reading][]
    const wanted = readings.filter(([name]) => only.length === 0 || only.includes(name))
    const readAll = () => {
      for (const [name, reading] of wanted) void this.#read(name, reading)
    }
    this.#stop = context.clock.every(interval, readAll)
    readAll()
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  counters() {
    return { readings: this.#readings, overdueReadings: this.#overdue, failedReadings: { ...this.#failed } }
  }

  async #read(name: ReadingName, reading: Reading): Promise<void> {
    if (this.#underWay.has(name)) {
      // A dead network file system can hold up a reading for minutes; a second one would wait for the same.
      this.#overdue++
      return
    }
    this.#underWay.add(name)
    try {
      const events = await reading(this.#context.clock.now())
      if (this.#stop === undefined) return
      this.#readings++
      for (const event of events) this.#emit(event)
      if (this.#failing.delete(name)) this.#context.log.info({ reading: name }, 'reading works again')
    } catch (error) {
      this.#failed[name]++
      if (!this.#failing.has(name)) {
        this.#context.log.warn({ reading: name, error: reason(error) }, 'reading failed')
      }
      this.#failing.add(name)
    } finally {
      this.#underWay.delete(name)
    }
  }
}

/** Reads processor, memory, disks and network of this machine. */
export default defineSource({
  name: 'system',
  summary: 'Processor, memory, disks and network of this machine, at an interval.',
  types: ['cpu.usage', 'memory.usage', 'disk.usage', 'network.usage'],
  hints,
  counters: {
    readings: total('Readings that succeeded.'),
    overdueReadings: total('Readings left out because the one before was still under way.'),
    failedReadings: total('Readings that failed, by what was read.'),
  },
  options,
  create: (given) => new SystemSource(given),
})
