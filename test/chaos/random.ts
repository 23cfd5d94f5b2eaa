/** The one source of chance in a run: the same seed gives every actor the same choices. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!
  }

  /** By weight: `{ edit: 3, clone: 1 }` gives `edit` three times as often. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights) as [K, number][]
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) if ((rest -= weight) < 0) return key
    return entries.at(-1)![0]
  }

  /** A stream of its own, so that what one actor draws moves no other. */
  fork(name: string): Random {
    let hash = this.#state ^ 0x811c9dc5
    for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193)
    return new Random(hash)
  }
}
