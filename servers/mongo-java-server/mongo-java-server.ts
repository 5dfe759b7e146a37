import { join } from 'node:path'
import { step } from '../build.js'
import { hello } from '../mongo-hello.js'
import { recipeFolder } from '../recipe-folder.js'
import { ServerKind } from '../server-kind.js'

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Most of MongoDB's aggregations; keeps its data in memory, so nothing is left of them when it ends. */
export const mongoJavaServer = new ServerKind({
  name: 'mongo-java-server',
  scheme: 'mongodb',
  programs: ['java', 'javac', 'mvn'],
  from: recipeFolder('mongo-java-server'),
  files: ['pom.xml', 'Main.java'],
  async build(from, into) {
    const lib = join(into, 'lib')
    await step(['mvn', '-q', '-B', COPY, `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'], from)
    await step(['javac', '-cp', join(lib, '*'), '-d', join(into, 'classes'), join(from, 'Main.java')], from)
  },
  command: ({ built, host, port }) => [
    'java',
    '-Xmx768m',
    '-XX:+UseSerialGC',
    '-cp',
    `${join(built, 'classes')}:${join(built, 'lib', '*')}`,
    'Main',
    host,
    String(port),
  ],
  ready: ({ host, port }) => hello(host, port),
})
