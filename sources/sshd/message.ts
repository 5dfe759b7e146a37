import { ENDING_RULES } from './ending.js'
import { CHANNEL_RULES, CONNECT_RULES, LOGIN_RULES } from './login.js'
import { PAM_RULES } from './pam.js'
import { firstOf, type Reading } from './reading.js'
import { SERVER_RULES, WARNING_RULES } from './warning.js'

/** One message of sshd, without what is known from the messages before. */
export interface Message {
  /** The message itself, without what syslog and sshd put around it. */
  text: string
  /** `error`, `fatal`, `debug1`; undefined for the levels that sshd does not name. */
  level?: string
  /** Written by the process that speaks with those not yet logged in. */
  preauth: boolean
  /** How many times it came, when syslog summed it up. */
  count?: number
  /** The several meanings it can have; undefined when it is known to no rule. */
  readings?: Reading[]
}

const RULES = [
  ...LOGIN_RULES,
  ...PAM_RULES,
  ...ENDING_RULES,
  ...WARNING_RULES,
  ...CONNECT_RULES,
  ...CHANNEL_RULES,
  ...SERVER_RULES,
]

const REPEATED = /^message repeated (\d{1,9}) times: \[ (.*)\]$/s
const LEVEL = /^(fatal|error|debug[123]?): /
const STAGE = / \[(preauth|postauth)\]$/

/** sshd cuts its messages at 1,024 characters, PAM and escapes make that longer; nobody else writes so much. */
const MAX_CHARACTERS = 8192

export function readMessage(whole: string): Message {
  if (whole.length > MAX_CHARACTERS) return { text: whole.slice(0, MAX_CHARACTERS), preauth: false }
  const repeated = REPEATED.exec(whole)
  let text = repeated === null ? whole : repeated[2]!
  const level = LEVEL.exec(text)
  if (level !== null) text = text.slice(level[0].length)
  const stage = STAGE.exec(text)
  if (stage !== null) text = text.slice(0, stage.index)
  const readings = firstOf(RULES, text)
  return {
    text,
    preauth: stage?.[1] === 'preauth',
    ...(level !== null && { level: level[1]! }),
    ...(repeated !== null && { count: Number(repeated[1]) }),
    ...(readings !== undefined && { readings }),
  }
}
