import { FOLLOW_COUNTERS } from '../../lib/follow/index.js'
import { type CounterInfos, total } from '../../lib/index.js'

/** What a Postfix parser counts. */
export interface PostfixCounters {
  /** Lines of Postfix. */
  postfixLines: number
  /** Lines of other programs in the same file, which are passed by. */
  otherLines: number
  /** Lines that came after the event of their message was out; they are not in it. */
  lateLines: number
  transactions: number
  incompleteTransactions: number
  /** Incomplete because more were open than `maxTransactions`. */
  crowdedOut: number
  smtpConnections: number
}

export function newPostfixCounters(): PostfixCounters {
  return {
    postfixLines: 0,
    otherLines: 0,
    lateLines: 0,
    transactions: 0,
    incompleteTransactions: 0,
    crowdedOut: 0,
    smtpConnections: 0,
  }
}

export const POSTFIX_COUNTERS: CounterInfos = {
  ...FOLLOW_COUNTERS,
  postfixLines: total('Lines of Postfix.'),
  otherLines: total('Lines of other programs in the same file, which are passed by.'),
  lateLines: total('Lines that came after the event of their message was out; they are not in it.'),
  transactions: total('Messages whose event is out.'),
  incompleteTransactions: total('Messages whose event is out, though not all of their lines were seen.'),
  crowdedOut: total('Messages that are incomplete because more were open than maxTransactions.'),
  smtpConnections: total('SMTP connections whose event is out.'),
}
