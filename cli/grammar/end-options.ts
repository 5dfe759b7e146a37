/** The options of tap, top and emit that say where to and with which keys; to be picked from the framework's. */
export const endOptions = {
  connect: true,
  bind: true,
  key: true,
  serverKey: true,
  allow: true,
  insecure: true,
} as const
