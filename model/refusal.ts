/** What a person asked for that cannot be done, in words for that person. Never a secret, never a driver's text. */
import type { Diagnostic } from './diagnostic.ts'

export type RefusalKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  /** The same request id came with another body. */
  | 'mismatch'
  | 'too-large'
  | 'unavailable'

export class Refusal extends Error {
  override name = 'Refusal'
  readonly kind: RefusalKind
  /** Where in a definition, when a definition is at fault. */
  readonly diagnostics: Diagnostic[] | undefined

  constructor(kind: RefusalKind, message: string, diagnostics?: Diagnostic[]) {
    super(message)
    this.kind = kind
    this.diagnostics = diagnostics
  }
}

/** True for a refusal, of one kind where one is given. */
export function isRefusal(error: unknown, kind?: RefusalKind): error is Refusal {
  return error instanceof Refusal && (kind === undefined || error.kind === kind)
}
