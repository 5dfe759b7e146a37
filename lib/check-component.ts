import { EventstormError, show } from './errors.js'

/**
 * Looks whether what an application has handed over as a component can be called, before anything is opened for it.
 *
 * @param calls its functions by name, as a message has them, and whether there has to be one
 * @throws COMPONENT_INVALID
 */
export function checkComponent(kind: string, component: unknown, calls: Record<string, boolean>): void {
  const refusal = (expected: string, got: unknown) =>
    new EventstormError('COMPONENT_INVALID', `expected ${expected}, got ${show(got)}`)
  const needed = Object.keys(calls).filter((call) => calls[call])
  const whole =
    needed.length > 0 ? `a ${kind} with ${needed.map((call) => `${call}()`).join(' and ')}` : `a ${kind}`
  if (component === null || typeof component !== 'object') throw refusal(`${whole}, an object`, component)
  for (const [call, isNeeded] of Object.entries(calls)) {
    const value = (component as Record<string, unknown>)[call]
    if (typeof value === 'function' || (value === undefined && !isNeeded)) continue
    throw refusal(`${whole}, whose ${call} is a function`, value)
  }
}
