/** One try of an upstream server. */
export interface Upstream {
  addr?: string
  status?: number
  responseTime?: number
  responseLength?: number
  connectTime?: number
  headerTime?: number
  bytesReceived?: number
  bytesSent?: number
}

/**
 * The data of an `http.hit`: nginx's own words in camel case. What the log has as "-" is absent. Variables that
 * have no name here come under their own, in camel case.
 */
export interface Hit {
  remoteAddr?: string
  remoteUser?: string
  method?: string
  /** The request target as it was sent, percent-encoding and all. */
  target?: string
  path?: string
  /** What follows the `?`; empty when nothing does. */
  query?: string
  /** `1.1` */
  httpVersion?: string
  /** The request line as the log has it, when it is malformed. */
  request?: string
  status?: number
  bodyBytesSent?: number
  referer?: string
  userAgent?: string
  forwardedFor?: string[]
  /** Seconds, like all of nginx's times. */
  requestTime?: number
  requestLength?: number
  upstream?: Upstream[]
  [variable: string]: unknown
}
