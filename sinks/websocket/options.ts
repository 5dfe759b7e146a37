import { byteSize, duration, list, z } from '../../lib/index.js'

export const options = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({
    description:
      'Address to listen on. Any but a loopback one needs --token-file, and TLS or --behind-proxy.',
    argument: 'address',
  }),
  port: z.int().min(0).max(65_535).default(8080).meta({ description: 'Port to listen on; 0: any.' }),
  otherPort: z.boolean().default(false).meta({ description: 'Take any free port when that one is taken.' }),
  tokenFile: z.string().min(1).optional().meta({
    description: 'A file with the token that browsers must know, 16 characters or more. A page asks for it.',
    argument: 'path',
  }),
  tlsCert: z.string().min(1).optional().meta({ description: 'Certificate chain, PEM.', argument: 'path' }),
  tlsKey: z.string().min(1).optional().meta({ description: 'Its private key, PEM.', argument: 'path' }),
  behindProxy: z.boolean().default(false).meta({
    description: 'A proxy in front does the TLS; the last address in X-Forwarded-For is the browser.',
  }),
  allowOrigin: list().meta({
    description: 'An Origin, such as https://graphs.example, that may connect besides the page itself.',
    argument: 'origin',
  }),
  allowHost: list().meta({
    description: 'A name in the Host header that is right besides localhost and the address; behind a proxy.',
    argument: 'name',
  }),
  transport: z.enum(['ws', 'uws']).default('ws').meta({
    description: 'ws, or uWebSockets.js when that is installed; when it is not, ws with a warning.',
    argument: 'which',
  }),
  uwsPath: z.string().min(1).optional().meta({
    description: 'Where uWebSockets.js is, when it is not installed beside Eventstorm: its module file.',
    argument: 'path',
  }),
  store: z.string().min(1).optional().meta({
    description: 'A store for what is older than a day, such as segments:DIR; questions go to /api/query.',
    argument: 'store',
  }),
  hints: z.record(z.string(), z.unknown()).optional().meta({
    description: 'Display hints by event type; they go before what sources say. See Display hints.',
    argument: 'json',
  }),
  hideFields: list().meta({
    description: 'A name of fields that never leave the server, besides password, token, secret and such.',
    argument: 'name',
  }),
  late: duration()
    .pipe(z.number().max(60_000))
    .prefault('5s')
    .meta({ description: 'How late an event may be and still be counted in its second.' }),
  memory: byteSize().prefault('256MiB').meta({ description: 'Memory for the numbers of the last day.' }),
  maxTypes: z.int().min(1).default(10_000).meta({ description: 'Event types at most.' }),
  maxSeries: z.int().min(1).default(50_000).meta({ description: 'Series (type, field, key) at most.' }),
  maxFields: z.int().min(1).default(64).meta({ description: 'Fields of a type at most.' }),
  maxKeys: z.int().min(1).default(20).meta({ description: 'Keys of a type at most; the others are one.' }),
  maxClients: z.int().min(1).default(1000).meta({ description: 'Browsers at once.' }),
  maxClientsPerAddress: z.int().min(1).default(500).meta({ description: 'Browsers of one address at once.' }),
  maxSubscriptions: z.int().min(1).default(64).meta({ description: 'Subscriptions of a browser at most.' }),
  maxPatterns: z.int().min(1).default(16).meta({ description: 'Patterns of a subscription at most.' }),
  maxViews: z.int().min(1).default(500).meta({ description: 'Different views of all browsers at most.' }),
  maxViewSeries: z.int().min(1).default(2000).meta({ description: 'Series in one view at most.' }),
  stall: duration()
    .prefault('30s')
    .meta({ description: 'How long a browser may go without acknowledging before it is closed.' }),
})

export type WebsocketOptions = z.output<typeof options>
