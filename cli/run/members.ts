import { addCounters, type Counters } from '../../lib/index.js'
import type { PipelineOptions } from '../grammar/process-options.js'
import { counterInfos, type Observed, observe } from '../http/observed.js'
import type { Log } from '../logging.js'
import { type Part, sameParts, startPart } from '../pipeline/part.js'
import { endsOf } from '../pipeline/part-ends.js'
import type { Kind } from '../resolve.js'
import type { Job } from './crew.js'
import { Supervised } from './supervise.js'

/** A part of a pipeline and whoever keeps it running. */
export class Member implements Job {
  readonly part: Part
  readonly kind: Kind
  readonly name: string
  /** Starting, until it was started. */
  readonly running: Supervised
  #patient: boolean

  /** @param patient whether a failure of its very first start is got over too */
  constructor(part: Part, running: Supervised, patient: boolean) {
    this.part = part
    this.kind = part.definition.kind
    this.name = part.name
    this.running = running
    this.#patient = patient
  }

  async start(): Promise<Supervised> {
    await this.running.open(this.#patient)
    return this.running
  }
}

/** What a new file changes, as the names of parts. */
export interface Change {
  started: string[]
  stopped: string[]
  /** Stopped and started: their options are others now, or whom they dialled inside of the process is. */
  changed: string[]
  kept: string[]
}

/** The members of a running pipeline, each under its kind and name, and who they are after a new file. */
export class Members {
  #all: Member[] = []
  #log: Log
  #options: PipelineOptions

  constructor(log: Log, options: PipelineOptions) {
    this.#log = log
    this.#options = options
  }

  get all(): readonly Member[] {
    return this.#all
  }

  /** Those that were not started yet as well. */
  observed(): (Observed & { part: Part; running: Supervised })[] {
    return this.#all.map(({ part, running }) => ({ ...observe(part, running), running }))
  }

  /** The first members; one that cannot be started ends the program. */
  begin(parts: readonly Part[]): void {
    this.#all = parts.map((part) => this.#member(part, undefined, false))
  }

  /** Takes the parts of a new file: members whose parts are the same stay who they are. */
  change(parts: readonly Part[]): Change {
    const before = this.#all
    const kept = unchanged(before, parts)
    const twin = (part: Part) => before.find((each) => isTwin(each.part, part))
    this.#all = parts.map((part) => kept.get(part) ?? this.#member(part, twin(part)?.running, true))
    const stays = new Set(kept.values())
    const fresh = parts.filter((part) => !kept.has(part))
    const names = (some: readonly { name: string }[]) => some.map(({ name }) => name)
    return {
      started: names(fresh.filter((part) => !twin(part))),
      stopped: names(before.filter(({ part }) => !parts.some((each) => isTwin(each, part)))),
      changed: names(fresh.filter((part) => twin(part))),
      kept: names([...stays]),
    }
  }

  /** @param before the one whose place it takes, whose counts go on */
  #member(part: Part, before: Supervised | undefined, patient: boolean): Member {
    const infos = counterInfos(part.definition.kind, part.definition)
    const log = this.#log.of(part.name)
    const options = {
      ...this.#options,
      log,
      add: (sum: Counters, life: Counters) => addCounters(infos, sum, life),
      onRestart: () => this.#renewDialers(part),
    }
    const running = new Supervised(
      () => startPart(part, log),
      options,
      () => before?.counters() ?? {},
    )
    return new Member(part, running, patient)
  }

  /** An inproc peer does not dial again, so whoever dials one that was started again is started again as well. */
  #renewDialers(part: Part): void {
    for (const each of this.#all) if (dials(each.part, part)) void each.running.again()
  }
}

/** Whether one takes the place of the other. */
const isTwin = (a: Part, b: Part) => a.name === b.name && a.definition === b.definition

const inproc = (part: Part, use: 'bind' | 'connect') =>
  endsOf(part).flatMap((end) => (end.use === use && end.endpoint.startsWith('inproc:') ? [end.endpoint] : []))

/** Whether `part` dials `other` inside of the process. */
function dials(part: Part, other: Part): boolean {
  const bound = inproc(other, 'bind')
  return inproc(part, 'connect').some((endpoint) => bound.includes(endpoint))
}

/** The parts that members have already, but for those who dial a member that is stopped. */
function unchanged(members: readonly Member[], parts: readonly Part[]): Map<Part, Member> {
  const kept = new Map<Part, Member>()
  for (const part of parts) {
    const same = members.find((each) => sameParts(each.part, part))
    if (same) kept.set(part, same)
  }
  for (;;) {
    const stays = new Set(kept.values())
    const gone = members.filter((each) => !stays.has(each))
    const orphans = [...kept].filter(([part]) => gone.some((each) => dials(part, each.part)))
    if (orphans.length === 0) return kept
    for (const [part] of orphans) kept.delete(part)
  }
}
