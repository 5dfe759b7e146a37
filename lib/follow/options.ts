import { byteSize, duration, list, z } from '../index.js'

/**
 * The options that every log source has, to be spread into its own:
 *
 *     const options = z.strictObject({ ...followOptions(), format: z.string() })
 *
 * @param files what is followed when the user names nothing
 */
export function followOptions(files: string[] = []) {
  return {
    file: list().prefault(files).meta({
      description: 'File to follow, repeatable; * and ? in it stand for several files.',
      argument: 'path',
    }),
    fromStart: z
      .boolean()
      .default(false)
      .meta({ description: 'Read what is in the files already, instead of what is appended from now on.' }),
    once: z.boolean().default(false).meta({
      description:
        'Wait until somebody has subscribed, read the files from start to end, and end. Files that end in .gz are unpacked.',
    }),
    subscriberTimeout: duration().prefault('10s').meta({
      description:
        'With --once, --from-start or --checkpoint: how long to wait for a subscriber before reading all the same.',
    }),
    replay: z.number().positive().optional().meta({
      description:
        'Read the files again and again, so many lines a second, with the present time: for demonstrations and load.',
      argument: 'rate',
    }),
    checkpoint: z.string().min(1).optional().meta({
      description:
        'File in which to remember how far the files have been read, to go on there after a restart.',
      argument: 'path',
    }),
    checkpointInterval: duration()
      .prefault('1s')
      .meta({ description: 'Time between two checkpoints while lines come in.' }),
    maxLineBytes: byteSize()
      .pipe(z.number().min(1024))
      .prefault('128KiB')
      .meta({ description: 'Longest line; longer ones are cut, marked and counted.', argument: 'size' }),
    rotateWait: duration().prefault('5s').meta({
      description: 'How long a file that was renamed or removed is still read after its last growth.',
    }),
    recheck: duration().pipe(z.number().min(10)).prefault('1s').meta({
      description: "Time between two looks at every file, for changes the system's notifications miss.",
      argument: 'time',
    }),
  }
}

const schema = z.object(followOptions())

/** The options of `followOptions`, checked and with their defaults. */
export type FollowOptions = z.output<typeof schema>
