/** The front door of the room that follows growing files by lines. */
export { type EmittedLines, emitLines, type LogCounters, newLogCounters, UNPARSED } from './emit-lines.js'
export { type FileCounters, type FileSettings, FollowedFile, newFileCounters } from './file.js'
export { type FilesSettings, FollowedFiles } from './files.js'
export { type LineCounters, LineSplitter, newLineCounters, type OnLine } from './lines.js'
export type { LogFormat } from './log-format.js'
export { logSource } from './log-source.js'
export { type FollowOptions, followOptions } from './options.js'
export { type Place, Places } from './place.js'
