import { createServer, type Server } from 'node:http'
import { defineSink, z } from '../../lib/index.js'

/** Serves live graphs of the events to browsers. */
export default defineSink({
  name: 'websocket',
  summary: 'Shows events live in browsers, as graphs that need no configuration.',
  options: z.strictObject({
    host: z.string().default('127.0.0.1').meta({ description: 'The address to listen on.' }),
    port: z.int().min(0).max(65_535).default(8080).meta({ description: 'The port to listen on; 0: any.' }),
  }),
  create({ host, port }) {
    let server: Server | undefined
    return {
      open: () =>
        new Promise<void>((resolve, reject) => {
          server = createServer((_, response) => response.end('ok\n'))
          server.once('error', reject).listen(port, host, resolve)
        }),
      write() {},
      close() {
        server?.close()
      },
    }
  },
})
