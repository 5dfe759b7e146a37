/** The benches, each with the question that it answers. */
export const BENCHES: Record<string, string> = {
  throughput: 'object to object over tcp, beside C on libzmq, a naive program, NATS, Redis and MQTT',
  latency: 'how long an event is on its way at a steady pace',
  codec: 'an event to BSON and back, beside the bson package',
  parse: 'an access log to events and to the wire, beside readline, mtail and GoAccess',
  follow: 'lines lost, doubled and damaged by followers of a rotated log, and how fast they read',
  router: 'CPU of a router at batches of 100, beside the proxy of libzmq',
  'fan-out': 'what a delivery costs with 1 to 50 sinks',
  emit: 'the cost of one emit with nobody listening and with one listener',
  scale: 'how the cost of an event grows with sources, types, subscriptions, sinks and size',
  clients: 'what an event costs a source in C, in Ruby and in TypeScript',
  stores: 'events a second into stores, beside the best loop of each driver',
  segments: 'what the segments store carries at a pace, and how long the question of a chart takes',
  websocket: 'what browsers cost, and a flood at a sink with fifty of them',
  floods: 'what strangers at a router cost the honest, with keys and without',
  profile: 'where each microsecond goes: self time of sender, router and receiver by function',
}
