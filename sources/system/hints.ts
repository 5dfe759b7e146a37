import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'cpu.usage': {
    title: 'Processor',
    group: 'Machine',
    order: 1,
    show: 'area',
    fields: {
      percent: { title: 'busy', unit: '%', kind: 'gauge', min: 0, max: 100, warn: 80, critical: 95 },
      userPercent: { title: 'programs', unit: '%', kind: 'gauge', min: 0, max: 100 },
      systemPercent: { title: 'kernel', unit: '%', kind: 'gauge', min: 0, max: 100 },
    },
  },
  'memory.usage': {
    title: 'Memory',
    group: 'Machine',
    order: 2,
    show: 'area',
    fields: {
      percent: { title: 'used', unit: '%', kind: 'gauge', min: 0, max: 100, warn: 85, critical: 95 },
      used: { unit: 'B', kind: 'gauge', min: 0 },
      available: { unit: 'B', kind: 'gauge', min: 0 },
      total: { unit: 'B', kind: 'gauge', show: 'hide' },
      swapUsed: { title: 'swap used', unit: 'B', kind: 'gauge', min: 0 },
      swapTotal: { unit: 'B', kind: 'gauge', show: 'hide' },
    },
  },
  'network.usage': {
    title: 'Network',
    group: 'Machine',
    order: 3,
    key: ['interface'],
    fields: {
      receivedBytesPerSecond: { title: 'received', unit: 'B/s', kind: 'gauge', min: 0 },
      sentBytesPerSecond: { title: 'sent', unit: 'B/s', kind: 'gauge', min: 0 },
      receiveErrors: { title: 'receive errors', kind: 'counter' },
      sendErrors: { title: 'send errors', kind: 'counter' },
      receiveDropped: { title: 'dropped, received', kind: 'counter' },
      sendDropped: { title: 'dropped, sent', kind: 'counter' },
      receivedBytes: { unit: 'B', kind: 'counter', show: 'hide' },
      sentBytes: { unit: 'B', kind: 'counter', show: 'hide' },
    },
  },
  'disk.usage': {
    title: 'Disks',
    group: 'Machine',
    order: 4,
    key: ['mount'],
    fields: {
      percent: { title: 'used', unit: '%', kind: 'gauge', min: 0, max: 100, warn: 85, critical: 95 },
      used: { unit: 'B', kind: 'gauge', min: 0 },
      available: { unit: 'B', kind: 'gauge', min: 0 },
      total: { unit: 'B', kind: 'gauge', show: 'hide' },
    },
  },
}
