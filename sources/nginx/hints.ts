import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'http.hit': {
    title: 'Web requests',
    group: 'Web',
    order: 10,
    key: ['status'],
    columns: [
      'time',
      'remoteAddr',
      'method',
      'target',
      'status',
      'bodyBytesSent',
      'requestTime',
      'userAgent',
    ],
    fields: {
      requestTime: { title: 'request time', unit: 's', kind: 'duration', aggregate: 'p95' },
      bodyBytesSent: { title: 'sent', unit: 'B', kind: 'amount', aggregate: 'sum' },
      requestLength: { title: 'received', unit: 'B', kind: 'amount', aggregate: 'sum' },
      method: { kind: 'state' },
    },
  },
}
