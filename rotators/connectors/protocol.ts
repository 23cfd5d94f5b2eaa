/**
 * What a worker and our connector function say to each other. The type of the event is one that no other connector knows,
 * and nothing stands where others look for a database or a user: whichever function it reaches, it does what is asked or nothing.
 */
import { isFailureCode, RotationFailure, type FailureCode } from '../../model/failures.ts'

export const REKEY_EVENT = 'rekey'
export const PROTOCOL = 1

/** Milliseconds, except for `sendBy`. */
export interface RequestLimits {
  changeTimeout: number
  timeout: number
  /** By the clock of the function, milliseconds since 1970. */
  sendBy: number
}

export interface AboutRequest {
  type: typeof REKEY_EVENT
  protocol: number
  action: 'about'
}

/** One call of a rotator's method, with inputs that hold no connector. */
export interface RotatorRequest {
  type: typeof REKEY_EVENT
  protocol: number
  action: 'prepare' | 'rehearse' | 'apply' | 'test' | 'whyRefused'
  rotator: string
  inputs: unknown
  /** Of `prepare` and `rehearse`. */
  state?: unknown
  /** Of `apply` what was prepared, of the others what is to log in. */
  credential?: unknown
  limits: RequestLimits
}

/** What our function says of itself. */
export interface About {
  protocol: number
  rotators: string[]
  /** Its clock, milliseconds since 1970. */
  now: number
}

/** As other connectors answer, with more beside it: `rekey` is what a worker reads. */
export interface ConnectorAnswer {
  code: 200 | 400
  message: string
  rekey?: { about: About } | { result: unknown } | { failure: StatedFailure }
}

export interface StatedFailure {
  code: FailureCode
  words: string
  unchanged: boolean
  retryAfter?: number
}

export function stateFailure({ code, message, unchanged, retryAfter }: RotationFailure): StatedFailure {
  return { code, words: message, unchanged, ...(retryAfter !== undefined && { retryAfter }) }
}

const LONGEST_WORDS = 4_000
const LONGEST_WAIT_MS = 5 * 60_000

/**
 * A failure as it was stated, believed as far as it can be: the code is one of ours, the words are one line of printable
 * text that holds none of the secrets, cut where it goes on and on.
 * @returns undefined for what is no such statement
 */
export function readFailure(stated: unknown, secrets: readonly string[]): RotationFailure | undefined {
  const { code, words, unchanged, retryAfter } = (stated ?? {}) as Partial<
    Record<keyof StatedFailure, unknown>
  >
  if (typeof code !== 'string' || !isFailureCode(code)) return undefined
  const isFit = isPlain(words) && !secrets.some((secret) => secret !== '' && words.includes(secret))
  return new RotationFailure(code, isFit ? shortened(words) : undefined, {
    unchanged: unchanged === true,
    ...(typeof retryAfter === 'number' &&
      retryAfter >= 0 && { retryAfter: Math.min(retryAfter, LONGEST_WAIT_MS) }),
  })
}

/** One line of printable text. */
export function isPlain(text: unknown): text is string {
  return typeof text === 'string' && /^[\p{L}\p{N}\p{P}\p{S}\p{M} ]+$/u.test(text)
}

/** What nobody would read to its end: its beginning says more than nothing. */
export function shortened(words: string): string {
  const characters = Array.from(words)
  return characters.length > LONGEST_WORDS ? `${characters.slice(0, LONGEST_WORDS - 1).join('')}…` : words
}
