/** The front door of the read side: what answers questions of strangers, such as those that come over HTTP. */
export { Asker, askerOptions, type Question } from './asker.js'
export { type QueryReply, questionOf, replyTo, serveQuery } from './http.js'
