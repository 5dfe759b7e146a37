import { expect, RATE, running, type Scenario } from './scenario.js'

const HOUR = 3_600_000

/**
 * A sink that hears of a stream for the first time tells by the clocks whether it was there at its beginning: what went
 * before is lost if the source began after the sink came, and else was never meant for it. A clock that is wrong moves
 * numbers from one to the other; that they add up does not hang on clocks.
 */
export const clocks: Scenario[] = [
  {
    name: 'clocks of sources an hour behind and ahead',
    async run(bus) {
      const { ends, sources } = await running(bus)
      const behind = await bus.source('behind', ends.sources, { clockSkew: -HOUR })
      const ahead = await bus.source('ahead', ends.sources, { clockSkew: HOUR })
      await bus.flow([behind, ahead], RATE)
      await bus.heardOf('behind')
      await bus.heardOf('ahead')
      await bus.flowing()
      await bus.sink('late', ends.sinks)
      await bus.traffic(2000)
      await bus.flow([...sources, behind, ahead], 0)
      await bus.quiet('late')
      const late = bus.at('late')
      expect(late.before > 0, 'what went before the late sink to be known as that')
      expect(
        late.lost > 0,
        'what a source with a clock ahead sent before to be taken for lost: the known limit',
      )
      expect(bus.at('a').lost === 0, 'nothing to be lost at those that were there')
    },
  },
  {
    name: 'clock of a source stepped back between two of its lives',
    async run(bus) {
      const { ends } = await running(bus)
      const first = await bus.source('stepped', ends.sources)
      await bus.flow([first], RATE)
      await bus.heardOf('stepped')
      await bus.traffic(2000)
      await bus.kill(first)
      const second = await bus.source('stepped', ends.sources, { clockSkew: -HOUR })
      await bus.flow([second], RATE)
      await bus.traffic(2000)
    },
  },
]
