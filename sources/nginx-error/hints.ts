import type { TypeHint } from '../../lib/index.js'

/** How the events like to be shown. */
export const hints: Record<string, TypeHint> = {
  'http.error': {
    title: 'Web server errors',
    group: 'Web',
    order: 11,
    key: ['level'],
    columns: ['time', 'level', 'message', 'client', 'server', 'target', 'upstream'],
    fields: {
      pid: { show: 'hide' },
      tid: { show: 'hide' },
      connection: { show: 'hide' },
    },
  },
}
