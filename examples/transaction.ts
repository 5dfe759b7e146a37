/*
 * A business transaction: each step of an order is an event, and all of one order carry its number, so that they can be
 * put together again wherever they arrive. What went wrong is an event like any other.
 *
 *     node dist/examples/transaction.js
 *
 * It prints each order with its steps, how long it took on the application's clock, and what became of it.
 */
import { EventSource, type StormEvent, subscribe } from 'eventstorm'

const source = new EventSource({ source: 'shop', bind: ['inproc://orders'] })
const events = subscribe({ connect: ['inproc://orders'], subscribe: ['order.**'] })

/** Does the steps one after the other, and tells of each one, of the end, and of what went wrong. */
async function transaction(order: number, steps: Record<string, () => Promise<object>>): Promise<void> {
  const began = performance.now()
  const emit = (type: string, data: object) =>
    source.emit(`order.${type}`, { order, ...data }, { extensions: { transaction: `order-${order}` } })
  emit('started', {})
  try {
    for (const [step, work] of Object.entries(steps)) emit(step, await work())
    emit('completed', { ms: performance.now() - began })
  } catch (error) {
    emit('failed', { ms: performance.now() - began, reason: (error as Error).message })
  }
}

const pay = (total: number) => async () => {
  if (total > 100) throw new Error('the card is over its limit')
  return { total, currency: 'EUR' }
}
const ship = async () => ({ parcels: 1 })

await source.subscribed('order.started')
for (const [order, total] of [12.5, 40, 250].entries())
  await transaction(order + 1, { paid: pay(total), shipped: ship })
await source.drain()

const orders = new Map<string, StormEvent[]>()
let ended = 0
collect: for await (const batch of events) {
  for (const event of batch) {
    const transaction = String(event.extensions?.transaction)
    orders.set(transaction, [...(orders.get(transaction) ?? []), event])
    if (/completed|failed/.test(event.type) && ++ended === 3) break collect
  }
}
for (const [transaction, steps] of orders) {
  const { ms, reason } = steps.find(({ type }) => /completed|failed/.test(type))!.data as {
    ms: number
    reason?: string
  }
  const took = ms < 1000 ? 'in less than a second' : `in ${Math.round(ms)} ms`
  console.log(
    `${transaction}: ${steps.map(({ type }) => type.slice(6)).join(', ')} ${took}${reason ? ` (${reason})` : ''}`,
  )
}
