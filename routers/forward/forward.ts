import { defineRouter, z } from '../../lib/index.js'

/** The plain router: what comes in goes out. Also the smallest example of a router component. */
export default defineRouter({
  name: 'forward',
  summary: 'Passes every event on.',
  options: z.strictObject({}),
  create: () => ({}),
})
