/**
 * The front door of the room for worker threads: events and their data, without sockets. `zeromq` is not loaded by
 * it, and must not be, since it cannot be loaded by a second thread.
 */
export { dataFromJson, dataToJson, decodeEvents } from '../codec/codec.js'
export type { Data, StormEvent } from '../event.js'
export type { Message } from '../wire.js'
