import { ControlledClock } from '../clock.js'
import { type RecordingLog, recordingLog } from '../recording-log.js'
import type { Check, Closable } from './check.js'
import type { Scene } from './conformance.js'

/** What a check plays on: the world of a component, a clock, a log; and all that was started there goes at the end. */
export class Stage {
  readonly scene: Scene
  readonly clock = new ControlledClock()
  readonly log: RecordingLog = recordingLog()
  #owned: Closable[] = []

  constructor(scene: Scene) {
    this.scene = scene
  }

  /** What goes at the end, the last one first. */
  own<T extends Closable>(made: T): T {
    this.#owned.push(made)
    return made
  }

  async end(): Promise<void> {
    for (const each of this.#owned.reverse()) await each.close()
    await this.scene.end?.()
  }
}

/** Makes checks that each play on a stage of their own, named after what is checked. */
export function checksOn<S extends Stage>(
  { kind, name }: { kind: string; name: string },
  raise: () => Promise<S>,
): (what: string, body: (stage: S) => Promise<void>) => Check {
  return (what, body) => ({
    name: `${kind} ${name} ${what}`,
    async run() {
      const stage = await raise()
      try {
        await body(stage)
      } finally {
        await stage.end()
      }
    },
  })
}
