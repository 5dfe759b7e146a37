import { unescapeName } from './names.js'

/** The key or certificate that a login was tried with. */
export interface KeyFields {
  /** `ED25519`, `RSA-CERT` */
  keyType?: string
  /** `SHA256:...` */
  fingerprint?: string
  certificate?: { id: string; serial: string; caKeyType: string; caFingerprint: string }
  /** Host-based authentication: what the client said of itself. */
  clientUser?: string
  clientHost?: string
}

const HOST_BASED = /^(.*), client user "(.*)", client host "([^"]*)"$/s
const CERTIFICATE = /^(\S+) (\S+) ID (.*) \(serial (\d+)\) CA (\S+) (\S+)$/s
const KEY = /^(\S+) (\S+)$/

/** What stands behind `ssh2: ` in the line of a login; undefined when it is nothing that sshd writes there. */
export function readKey(text: string): KeyFields | undefined {
  const hostBased = HOST_BASED.exec(text)
  if (hostBased !== null) {
    const key = readKey(hostBased[1]!)
    return key && { ...key, clientUser: unescapeName(hostBased[2]!), clientHost: unescapeName(hostBased[3]!) }
  }
  const key = KEY.exec(text)
  if (key !== null) return { keyType: key[1]!, fingerprint: key[2]! }
  const certificate = CERTIFICATE.exec(text)
  if (certificate === null) return undefined
  const [, keyType, fingerprint, id, serial, caKeyType, caFingerprint] = certificate
  return {
    keyType: keyType!,
    fingerprint: fingerprint!,
    // A serial has 64 bits, more than a number can hold.
    certificate: {
      id: unescapeName(id!),
      serial: serial!,
      caKeyType: caKeyType!,
      caFingerprint: caFingerprint!,
    },
  }
}
