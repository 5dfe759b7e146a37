import { join } from 'node:path'
import { step } from '../build.js'
import { hello } from '../mongo-hello.js'
import { recipeFolder } from '../recipe-folder.js'
import { ServerKind } from '../server-kind.js'

/** MongoDB's wire protocol on SQLite: keeps what it acknowledged through SIGKILL; knows few aggregations, no TTL. */
export const ferretdb = new ServerKind({
  name: 'ferretdb',
  scheme: 'mongodb',
  programs: ['go'],
  from: recipeFolder('ferretdb'),
  files: ['go.mod', 'go.sum', 'main.go'],
  build: (from, into) =>
    step(
      ['go', 'build', '-trimpath', '-tags', 'ferretdb_no_postgresql', '-o', join(into, 'ferretdb'), '.'],
      from,
      { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
    ),
  command: ({ built, host, port, data }) => [join(built, 'ferretdb'), `${host}:${port}`, data],
  ready: ({ host, port }) => hello(host, port),
})
