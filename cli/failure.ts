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
  /** Ended by Ctrl-C; as shells count. */
  interrupted: 130,
} as const

/** What they mean everywhere; single commands may say more. */
export const EXIT_CODES = [
  { code: String(EXIT.succeeded), meaning: 'it was done' },
  { code: String(EXIT.error), meaning: 'it was not done: wrong usage, refused by the server, or no network' },
  {
    code: String(EXIT.rotationFailed),
    meaning: 'a rotation failed, wholly or partly; what succeeded is published',
  },
  { code: String(EXIT.rotationUnknown), meaning: 'how a rotation went is not known, or not known yet' },
  { code: String(EXIT.interrupted), meaning: 'interrupted by Ctrl-C' },
] as const

/** The message is one sentence that says what to do next; it never holds a secret. */
export class Failure extends Error {
  override name = 'Failure'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.error) {
    super(message)
    this.exitCode = exitCode
  }
}
