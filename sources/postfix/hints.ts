import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'smtp.delivery': {
    title: 'Deliveries',
    group: 'Mail',
    order: 20,
    key: ['status'],
    columns: ['time', 'status', 'from', 'to', 'relay', 'delay', 'response'],
    fields: {
      delay: { unit: 's', kind: 'duration', aggregate: 'p95' },
      size: { unit: 'B', kind: 'amount', aggregate: 'sum' },
    },
  },
  'smtp.transaction': {
    title: 'Messages',
    group: 'Mail',
    order: 21,
    key: ['end'],
    columns: ['time', 'end', 'queueId', 'from', 'nrcpt', 'size', 'client.name'],
    fields: {
      size: { unit: 'B', kind: 'amount', aggregate: 'sum' },
      nrcpt: { title: 'recipients', kind: 'amount', aggregate: 'sum' },
    },
  },
  'smtp.reject': {
    title: 'Rejections',
    group: 'Mail',
    order: 22,
    key: ['action', 'code'],
    columns: ['time', 'action', 'code', 'client.address', 'from', 'to', 'reason'],
  },
  'smtp.connection': {
    title: 'Connections to the mail server',
    group: 'Mail',
    order: 23,
    columns: ['time', 'client.name', 'client.address', 'duration', 'messages', 'rejects'],
    fields: {
      duration: { unit: 's', kind: 'duration', aggregate: 'p95' },
      messages: { kind: 'amount', aggregate: 'sum' },
      rejects: { kind: 'amount', aggregate: 'sum' },
      authFailures: { title: 'failed logins', kind: 'amount', aggregate: 'sum' },
    },
  },
}
