import { readFileSync } from 'node:fs'
import { EventstormError, reason, SinkError } from '../../lib/index.js'

/** Where a store is, with what must not be shown. */
export interface Place {
  /** As the driver takes it. */
  url: string
  database: string
  /** For logs and errors: no user, no password, no options. */
  shown: string
}

const DEFAULT_DATABASE = 'eventstorm'

/** Reads `mongodb://...`, as drivers of MongoDB know it; the path is the database. @throws OPTIONS_INVALID */
export function readPlace(url: string): Place {
  const [, scheme, user, hosts = '', path = '', options = ''] =
    /^(mongodb(?:\+srv)?):\/\/(?:([^/?]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url) ?? []
  // A password that is not encoded as it must be could pass for a host.
  const astray = path.includes('@') || (user === undefined && options.includes('@'))
  if (scheme === undefined || astray) {
    throw new EventstormError(
      'OPTIONS_INVALID',
      'url: expected mongodb://host:port/database or mongodb+srv://host/database, with special characters of user and password percent-encoded; it is not shown, since it may hold a password',
    )
  }
  const database = decode(path) || DEFAULT_DATABASE
  return { url, database, shown: `${scheme}://${hosts}/${database}` }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The URL that a file holds, so that it need not stand on a command line. @throws FILE_UNREADABLE */
export function readUrlFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new EventstormError('FILE_UNREADABLE', `the file of the URL, ${path}: ${reason(error)}`, error)
  }
}

/** The text of an error without user and password of the URL, and what else in it is secret, in whatever form. */
export function withoutSecrets(text: string, { url, shown }: Place): string {
  const [, user = '', options = ''] = /^[^:]+:\/\/(?:([^/?]*)@)?[^?]*(?:\?(.*))?/s.exec(url) ?? []
  const given = options.split('&').map((each) => each.split(/=(.*)/s) as [string, string?])
  const secret = given.filter(([name]) => /password|properties/i.test(name)).map(([, value = '']) => value)
  const parts = [user, ...user.split(/:(.*)/s), ...secret].filter((part) => part !== '')
  return [...parts, ...parts.map(decode)]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, part) => rest.replaceAll(part, '***'), text.replaceAll(url, shown))
}

/** An error of this place as the framework takes it; without the driver's own, which can hold whole batches. */
export function failure(steer: SinkError['steer'], error: unknown, place: Place): SinkError {
  return new SinkError(steer, `${place.shown}: ${withoutSecrets(reason(error), place)}`)
}
