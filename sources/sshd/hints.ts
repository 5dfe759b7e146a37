import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'ssh.login': {
    title: 'SSH logins',
    group: 'Access',
    order: 30,
    key: ['outcome'],
    columns: ['time', 'outcome', 'user', 'address', 'method', 'host'],
    fields: { method: { kind: 'state' } },
  },
  'ssh.disconnect': {
    title: 'SSH connections ended',
    group: 'Access',
    order: 31,
    key: ['by'],
    columns: ['time', 'by', 'reason', 'user', 'address', 'duration'],
    fields: {
      duration: { unit: 's', kind: 'duration' },
      failures: { title: 'failed logins', kind: 'amount', aggregate: 'sum' },
    },
  },
  'ssh.warning': {
    title: 'SSH warnings',
    group: 'Access',
    order: 32,
    key: ['kind'],
    columns: ['time', 'kind', 'user', 'address', 'reason', 'host'],
  },
  'ssh.session': {
    title: 'SSH sessions',
    group: 'Access',
    order: 33,
    key: ['action'],
    columns: ['time', 'action', 'user', 'duration', 'host'],
    fields: { duration: { unit: 's', kind: 'duration' } },
  },
}
