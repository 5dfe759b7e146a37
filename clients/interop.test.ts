/** The tests that every client has to pass, with the TypeScript library itself as the client. */
import { fileURLToPath } from 'node:url'
import { interoperability } from './interop.js'

const reference = fileURLToPath(new URL('./reference.js', import.meta.url))
interoperability('TypeScript', () => ({ command: process.execPath, args: [reference] }))
