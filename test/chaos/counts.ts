/** How often each thing happened. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): void {
    this.#counts.set(name, this.of(name) + by)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** The most frequent first. */
  lines(): string[] {
    return [...this.#counts]
      .toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .map(([name, count]) => `${String(count).padStart(6)}  ${name}`)
  }
}
