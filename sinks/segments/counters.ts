import { type CounterInfos, level, total } from '../../lib/index.js'

/** What the sink counts beside the framework. */
export const SEGMENT_COUNTERS: CounterInfos = {
  segments: total('Files that were written.'),
  rows: total('Events in them.'),
  fileBytes: total('Bytes of them.'),
  rolls: total('Why a file was written: rows, bytes, time, hour or close.'),
  pending: level('Events that are in no file yet.'),
  merges: total('Times that several files became one.'),
  mergesFailed: total('Merges that failed; the files that were to be merged go on to count.'),
  hoursMerged: total('Hours whose files were merged at last.'),
  hoursRemoved: total('Hours that were removed, by age or by size of the whole.'),
  leftovers: total(
    'What lives that ended badly have left and was removed: files without a name in any manifest, folders of merges.',
  ),
  lostRows: total('Events in no file yet when the worker thread ended by itself; they are lost.'),
}
