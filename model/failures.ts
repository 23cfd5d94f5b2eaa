/**
 * The closed list of ways in which a rotation can fail. One code is at once the Temporal failure type, the API's
 * `errorCode`, the journal's column and the key of what a person reads. Drivers' own texts never get this far.
 */
interface FailureKind {
  /** Tried again within the same rotation, on the target's time budget. */
  retry: boolean
  /**
   * Tried again some time after a scheduled run: what can pass by itself, or be mended outside this definition. Not so
   * where a person has to decide first, or where each try would leave something more at the target.
   */
  later: boolean
  /** Who has to do something before it can work. */
  actor: 'nobody' | 'owner' | 'operator' | 'developer'
  /** What it means, for people. */
  words: string
}

export const FAILURES = {
  TARGET_UNREACHABLE: {
    retry: true,
    later: true,
    actor: 'operator',
    words: 'the target could not be reached; check its address and the network between it and the worker',
  },
  TARGET_THROTTLED: {
    retry: true,
    later: true,
    actor: 'nobody',
    words: 'the target asked to slow down; try again later',
  },
  TARGET_TIMEOUT: { retry: true, later: true, actor: 'operator', words: 'the target did not answer in time' },
  LOGIN_FAILED: {
    retry: false,
    later: true,
    actor: 'owner',
    words: 'the managing login was refused; correct it in the environment that holds it',
  },
  TARGET_DENIED: {
    retry: false,
    later: true,
    actor: 'owner',
    words: 'the managing login may not change this credential; grant it what the rotator needs',
  },
  TARGET_REJECTED_VALUE: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the target refuses the generated values by its own policy',
  },
  TARGET_NOT_FOUND: {
    retry: false,
    later: true,
    actor: 'owner',
    words: 'the user to rotate does not exist at the target or may not log in',
  },
  TARGET_TAKEN: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'another path already rotates this target; a target belongs to one path of one environment',
  },
  TARGET_CHANGED: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the target does not hold what was published; somebody changed it, so nothing was touched',
  },
  KEY_LIMIT: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the target has no room for another key, and those it holds are not ours to remove',
  },
  CONNECTOR_FAILED: {
    retry: false,
    later: true,
    actor: 'operator',
    words: 'the connector reported a failure',
  },
  VERIFY_FAILED: {
    retry: false,
    later: true,
    actor: 'owner',
    words: 'the new credential did not log in, so it was not published; the next rotation takes it up first',
  },
  OUTCOME_UNKNOWN: {
    retry: false,
    later: true,
    actor: 'operator',
    words: 'it is not known whether the target took the change; the next rotation settles it first',
  },
  INPUT_INVALID: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the inputs of the rotate call are not valid',
  },
  STATE_INVALID: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the state of the rotate call is not valid',
  },
  NOT_EVALUATED: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'the inputs of the rotate call could not be evaluated',
  },
  PERMISSION_DENIED: {
    retry: false,
    later: false,
    actor: 'owner',
    words: 'whoever asked for this rotation lacks the rights for it now',
  },
  CONFLICT: {
    retry: false,
    later: true,
    actor: 'nobody',
    words:
      'the definition of this call changed meanwhile; the new credential is kept and the next rotation takes it up',
  },
  TOO_SOON: {
    retry: false,
    later: false,
    actor: 'nobody',
    words:
      'this credential was rotated a moment ago; rotating again would cut off its holders (force overrides)',
  },
  CANCELLED: {
    retry: false,
    later: false,
    actor: 'nobody',
    words: 'the rotation was cancelled before this path began',
  },
  INTERNAL: {
    retry: false,
    later: true,
    actor: 'developer',
    words: 'an unexpected error in Rekey; see the logs of the worker',
  },
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof FAILURES

/** True for a text that is one of the codes. */
export function isFailureCode(text: string | null | undefined): text is FailureCode {
  return text !== null && text !== undefined && Object.hasOwn(FAILURES, text)
}

/**
 * What a rotator throws: a code, and words that name the input, user or place at fault. The words are shown to
 * people and stored, so they never hold a secret or a driver's text.
 */
export class RotationFailure extends Error {
  override name = 'RotationFailure'
  readonly code: FailureCode
  /** How long the target itself asked to wait, in milliseconds. */
  readonly retryAfter: number | undefined
  /** True when the target refused or was not asked: nothing was made, and nothing can land any more. */
  readonly unchanged: boolean

  constructor(code: FailureCode, words?: string, options: { retryAfter?: number; unchanged?: boolean } = {}) {
    super(words ?? FAILURES[code].words)
    this.code = code
    this.retryAfter = options.retryAfter
    this.unchanged = options.unchanged ?? false
  }

  /** The same failure in other words. */
  withWords(words: string): RotationFailure {
    const { retryAfter, unchanged } = this
    return new RotationFailure(this.code, words, {
      unchanged,
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }
}

/** Any error as a failure; what is not ours becomes INTERNAL with its text kept out. */
export function toRotationFailure(error: unknown): RotationFailure {
  return error instanceof RotationFailure ? error : new RotationFailure('INTERNAL')
}
