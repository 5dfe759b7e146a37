/**
 * The same events by other systems, each with its usual client and JSON: `node peer-roles.js <role> <options as JSON>`,
 * where `batch` events are a list in one message, or 1 is an event.
 */
import { createRequire } from 'node:module'
import { EVENT_TYPE, type Hit, pooledHit } from './event.js'
import { portions } from './portions.js'
import { countUpTo, cpu, play, say, told } from './role.js'

interface RoleOptions {
  url: string
  count: number
  batch: number
}

/** What of the clients is used here; they are installed in a folder of their own, and seldom. */
interface Clients {
  nats: {
    connect(options: { servers: string }): Promise<{
      publish(subject: string, payload: string): void
      subscribe(
        subject: string,
        options: { callback(error: unknown, message: { string(): string }): void },
      ): void
      flush(): Promise<void>
    }>
  }
  redis: {
    createClient(options: { url: string }): {
      connect(): Promise<unknown>
      publish(channel: string, message: string): Promise<number>
      subscribe(channel: string, listener: (message: string) => void): Promise<void>
    }
  }
  mqtt: {
    connectAsync(url: string): Promise<{
      publish(topic: string, message: string): void
      subscribeAsync(topic: string): Promise<unknown>
      on(event: 'message', listener: (topic: string, message: Buffer) => void): void
    }>
  }
}

const require = createRequire(new URL('../../bench/peers/package.json', import.meta.url))
const load = <Name extends keyof Clients>(name: Name): Clients[Name] => require(name)

/** Makes the messages, and lets `publish` send those of a portion. */
async function publishAll(
  { count, batch }: RoleOptions,
  publish: (messages: string[]) => Promise<unknown> | undefined,
): Promise<void> {
  say({ ready: true })
  await told()
  const used = cpu()
  const envelope = (n: number) => ({ source: 'bench', time: new Date(), data: pooledHit(n) })
  for await (const [from, to] of portions(count)) {
    const messages: string[] = []
    for (let n = from; n < to; n += batch) {
      if (batch === 1) messages.push(JSON.stringify(envelope(n)))
      else {
        const list = Array.from({ length: Math.min(batch, to - n) }, (_, i) => envelope(n + i))
        messages.push(JSON.stringify(list))
      }
    }
    await publish(messages)
  }
  say({ sent: count, cpu: used() })
}

function taker({ count, batch }: RoleOptions): (text: string) => void {
  const { sum, begin, added } = countUpTo(count)
  type Envelope = { data: Hit }
  return (text) => {
    begin()
    if (batch === 1) sum.add((JSON.parse(text) as Envelope).data)
    else for (const { data } of JSON.parse(text) as Envelope[]) sum.add(data)
    added()
  }
}

const roles: Record<string, (options: RoleOptions) => Promise<void>> = {
  async natsSender(options) {
    const client = await load('nats').connect({ servers: options.url })
    await publishAll(options, (messages) => {
      for (const each of messages) client.publish(EVENT_TYPE, each)
      return undefined
    })
  },

  async natsReceiver(options) {
    const client = await load('nats').connect({ servers: options.url })
    const take = taker(options)
    client.subscribe(EVENT_TYPE, { callback: (_, message) => take(message.string()) })
    await client.flush()
    say({ ready: true })
  },

  /** The answers of a portion are awaited while the next one is sent. */
  async redisSender(options) {
    const client = load('redis').createClient({ url: options.url })
    await client.connect()
    let before: Promise<unknown> | undefined
    await publishAll(options, async (messages) => {
      const now = Promise.all(messages.map((each) => client.publish(EVENT_TYPE, each)))
      await before
      before = now
    })
  },

  async redisReceiver(options) {
    const client = load('redis').createClient({ url: options.url })
    await client.connect()
    await client.subscribe(EVENT_TYPE, taker(options))
    say({ ready: true })
  },

  async mqttSender(options) {
    const client = await load('mqtt').connectAsync(options.url)
    await publishAll(options, (messages) => {
      for (const each of messages) client.publish(EVENT_TYPE, each)
      return undefined
    })
  },

  async mqttReceiver(options) {
    const client = await load('mqtt').connectAsync(options.url)
    const take = taker(options)
    client.on('message', (_, message) => take(message.toString()))
    await client.subscribeAsync(EVENT_TYPE)
    say({ ready: true })
  },
}

await play(roles)
