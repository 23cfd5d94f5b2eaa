/**
 * How long a session is waited for, and whom it heeds: one limit of time at a time, and a signal until a change is sent.
 * Knows nothing of databases beyond the place that it names in words.
 */
import { RotationFailure } from '../../model/failures.ts'

export interface Limits {
  /** Ends the session, unless `ignoreSignal` was called. */
  signal: AbortSignal
  /** Milliseconds for connecting and everything after it, unless `within` sets another limit. */
  timeout: number
  /** Something is to be changed before a deadline: such a session waits for its place before no other. */
  urgent?: boolean
}

export class Deadline {
  readonly #place: string
  readonly #signal: AbortSignal
  readonly #over = Promise.withResolvers<never>()
  readonly #cut: () => void
  #timer: NodeJS.Timeout | undefined
  #onAbort = (): void => this.#stop(new RotationFailure('CANCELLED', 'stopped before anything was changed'))

  /** @param cut is called when the time is up or the signal fired, once nobody waits any more */
  constructor({ host, port }: { host: string; port: number }, limits: Limits, cut: () => void) {
    this.#place = `${host}:${port}`
    this.#signal = limits.signal
    this.#cut = cut
    this.#over.promise.catch(() => {})
    this.within(limits.timeout)
    if (limits.signal.aborted) this.#onAbort()
    limits.signal.addEventListener('abort', this.#onAbort)
  }

  /** What `work` gives, or the failure that came before it. @throws RotationFailure TARGET_TIMEOUT, CANCELLED */
  async wait<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([this.#over.promise, work])
  }

  /** Everything from here on takes at most so many milliseconds. */
  within(milliseconds: number): void {
    clearTimeout(this.#timer)
    const late = () => new RotationFailure('TARGET_TIMEOUT', `${this.#place} did not answer in time`)
    this.#timer = setTimeout(() => this.#stop(late()), milliseconds)
  }

  /** From the moment a change is sent, its answer matters more than whoever lost interest. */
  ignoreSignal(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.ignoreSignal()
  }

  #stop(failure: RotationFailure): void {
    this.#over.reject(failure)
    this.#cut()
  }
}
