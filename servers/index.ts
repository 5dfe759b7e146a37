/** The door to real servers, for tests and benches; not published. */
export { step } from './build.js'
export { type CassandraCluster, cassandra, startCluster } from './cassandra/cassandra.js'
export { ferretdb } from './ferretdb/ferretdb.js'
export { freePort } from './free-port.js'
export { mongoJavaServer } from './mongo-java-server/mongo-java-server.js'
export { findProgram } from './programs.js'
export { type KindOptions, type Place, type RunningServer, ServerKind } from './server-kind.js'
export { ServerProcess } from './server-process.js'
