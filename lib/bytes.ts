/** Whether these few bytes stand there. At this length a loop beats the call of compare(), which V8 looks up at each call. */
export function stands(bytes: Buffer, source: Buffer, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (source[at + i] !== bytes[i]) return false
  return true
}
