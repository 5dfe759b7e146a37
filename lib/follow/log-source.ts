import { EventstormError, type SourceComponent } from '../index.js'
import { FollowedLog } from './followed-log.js'
import type { LogFormat } from './log-format.js'
import { LogReadOnce } from './once-log.js'
import type { FollowOptions } from './options.js'
import { ReplayedLog } from './replayed-log.js'

/**
 * A complete log source: follows files, reads them once or replays them, as the options say, and emits what the
 * parser makes of each line.
 *
 * @throws OPTIONS_INVALID when no file is named, or the options contradict each other
 */
export function logSource(options: FollowOptions, format: LogFormat): SourceComponent {
  const complaint =
    options.file.length === 0
      ? 'expected at least one file, got none; name it with --file'
      : options.once && options.replay !== undefined
        ? 'expected either once or replay, got both; replay never ends'
        : options.checkpoint !== undefined && (options.once || options.replay !== undefined)
          ? 'expected a checkpoint only when files are followed, got it together with once or replay'
          : undefined
  if (complaint !== undefined) throw new EventstormError('OPTIONS_INVALID', complaint)
  if (options.replay !== undefined) return new ReplayedLog(options, format)
  return options.once ? new LogReadOnce(options, format) : new FollowedLog(options, format)
}
