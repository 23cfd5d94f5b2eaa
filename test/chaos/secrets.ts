/** Searches texts for many secrets at once, in clear and in the encodings that would still be clear. */

const SHORTEST = 16
const TOKEN = /[A-Za-z0-9+/_=-]{16,}/g

export class SecretSearch {
  readonly #lengths: number[]
  readonly #secrets: Set<string>
  readonly #starts: Set<string>

  constructor(secrets: Iterable<string>) {
    this.#secrets = new Set([...secrets].filter((secret) => secret.length >= SHORTEST))
    this.#starts = new Set([...this.#secrets].map((secret) => secret.slice(0, 8)))
    this.#lengths = [...new Set([...this.#secrets].map(({ length }) => length))]
  }

  get size(): number {
    return this.#secrets.size
  }

  /** Where a secret begins, with the words around it (never itself); undefined when there is none. */
  find(text: string): string | undefined {
    const plain = this.#inText(text)
    if (plain !== undefined) return plain
    for (const [token] of text.matchAll(TOKEN)) {
      for (const encoding of ['base64', 'hex'] as const) {
        const decoded = Buffer.from(token, encoding).toString('latin1')
        if (decoded.length < SHORTEST) continue
        const found = this.#inText(decoded)
        if (found !== undefined) return `${encoding}: ${found}`
      }
    }
    return undefined
  }

  #inText(text: string): string | undefined {
    for (let index = 0; index + SHORTEST <= text.length; index += 1) {
      if (!this.#starts.has(text.slice(index, index + 8))) continue
      const secret = this.#lengths.some((length) => this.#secrets.has(text.slice(index, index + length)))
      if (secret) return `after ${JSON.stringify(text.slice(Math.max(0, index - 60), index))}`
    }
    return undefined
  }
}
