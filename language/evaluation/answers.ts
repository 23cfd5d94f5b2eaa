/**
 * What the host answered in the course of one evaluation. Every question is asked once, whoever comes by it first: the
 * evaluation itself, or somebody who knew that it would.
 */
import { hasErrors, reasonOf, type Diagnostic } from '../diagnostic.ts'
import type { CallExpression } from '../expressions/expression.ts'
import type { Host, LoadedEnvironment } from '../host.ts'
import { limits } from '../limits.ts'
import type { ParsedDocument } from '../parsed-document.ts'

export type Question = 'provider' | 'rotator' | 'open' | 'decrypt'

export type Loaded =
  | { failure: string }
  | {
      document: ParsedDocument | null
      diagnostics: Diagnostic[]
      decrypt: LoadedEnvironment['decrypt']
    }

type Parse = (name: string, text: string) => { document: ParsedDocument | null; diagnostics: Diagnostic[] }

export class Answers {
  readonly #host: Host
  readonly #parse: Parse
  /** By name, one for each time that it was asked: what failed is asked again. */
  readonly #loads = new Map<string, Promise<Loaded>[]>()
  readonly #calls = new Map<CallExpression, Map<Question, Promise<unknown>>>()

  constructor(host: Host, parse: Parse) {
    this.#host = host
    this.#parse = parse
  }

  /** Load number `attempt` of an environment, from 0. */
  load(name: string, attempt: number): Promise<Loaded> {
    const loads = this.#loads.get(name) ?? []
    this.#loads.set(name, loads)
    return (loads[attempt] ??= this.#load(name))
  }

  isLoaded(name: string, attempt: number): boolean {
    return this.#loads.get(name)?.[attempt] !== undefined
  }

  async #load(name: string): Promise<Loaded> {
    let loaded: LoadedEnvironment
    try {
      loaded = await this.#host.loadEnvironment(name)
    } catch (error) {
      return { failure: reasonOf(error) }
    }
    const { document, diagnostics } = loaded.parsed ?? this.#parse(name, loaded.text)
    return {
      // opaque only to those outside of the language
      document: document as ParsedDocument | null,
      diagnostics,
      decrypt: (ciphertext) => loaded.decrypt(ciphertext),
    }
  }

  /**
   * Loads everything that the document imports, and what that imports, but for what is being loaded already. An
   * evaluation that gets to a list of imports needs all of them, whatever they say. Never rejects.
   */
  async anticipate(document: ParsedDocument, root: string): Promise<ParsedDocument[]> {
    const found = document.declaration.imports.map(async ({ name }) => {
      if (name === root || this.#loads.has(name) || this.#loads.size >= limits.environments) return []
      const loaded = await this.load(name, 0)
      if ('failure' in loaded || !loaded.document || hasErrors(loaded.diagnostics)) return []
      return [loaded.document, ...(await this.anticipate(loaded.document, root))]
    })
    return (await Promise.all(found)).flat()
  }

  ask<T>(call: CallExpression, question: Question, ask: () => Promise<T>): Promise<T> {
    const answers = this.#calls.get(call) ?? new Map<Question, Promise<unknown>>()
    this.#calls.set(call, answers)
    const known = answers.get(question)
    if (known) return known as Promise<T>
    const answer = settled(ask)
    answers.set(question, answer)
    return answer
  }

  isAnswered(call: CallExpression, question: Question): boolean {
    return this.#calls.get(call)?.has(question) ?? false
  }
}

// a rejection that nobody waits for yet is no mishap: whoever gets there will see it
function settled<T>(ask: () => Promise<T>): Promise<T> {
  const answer = (async () => ask())()
  answer.catch(() => undefined)
  return answer
}
