/** How a command fails on purpose: words for the person, and the exit code that scripts see. */

/** What `rekey` exits with. */
export const EXIT = {
  succeeded: 0,
  /** Wrong usage, a refusal of the server, no network. */
  error: 1,
  /** A rotation failed, wholly or partly. */
  rotationFailed: 2,
  /** What became of a rotation is not known, or not known yet. */
  rotationUnknown: 3,
} as const

/** The message is one sentence that says what to do next; it never holds a secret. */
export class Failure extends Error {
  override name = 'Failure'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.error) {
    super(message)
    this.exitCode = exitCode
  }
}
