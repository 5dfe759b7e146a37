import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'syslog.message': {
    title: 'System log',
    group: 'Logs',
    order: 40,
    key: ['severity'],
    columns: ['time', 'severity', 'facility', 'host', 'program', 'message'],
    fields: {
      facilityCode: { show: 'hide' },
      severityCode: { show: 'hide' },
      pid: { show: 'hide' },
    },
  },
}
