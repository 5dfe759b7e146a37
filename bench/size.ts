/** With `--quick` a bench only shows that it works: everything is small, and the figures mean nothing. */
export const quick = process.env.BENCH_QUICK !== undefined || process.argv.includes('--quick')

/** How much of something a bench does: what the environment says, or the usual, or hardly any when it is to be quick. */
export function size(variable: string, usual: number, little: number): number {
  return Number(process.env[variable] ?? (quick ? little : usual))
}
