/** A bound that many share: what is used of it, and how often something did not fit. */
export class Budget {
  used = 0
  refused = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  take(amount: number): boolean {
    if (this.used + amount > this.limit) {
      this.refused++
      return false
    }
    this.used += amount
    return true
  }

  give(amount: number): void {
    this.used -= amount
  }
}
