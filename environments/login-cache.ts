/**
 * Logins that were made, shared by those who hold the cache, in memory alone. One that expires is made again some time
 * before that, and one that was refused can be dropped. Knows keys that tell nothing of the inputs.
 */
import type { Value } from '../language/index.ts'

/** What a login yielded. */
export interface OpenedLogin {
  value: Value
  /** Milliseconds since 1970. */
  expiresAt?: number
}

/** A login as it is kept: the same object as long as it is the same login. */
export interface KeptLogin {
  key: string
  opening: Promise<OpenedLogin>
  /** Milliseconds since 1970 from when on it is made again; undefined until it is known, and where it does not expire. */
  renewAt: number | undefined
}

/** Whoever gets a login must have time to use it: an attempt at a rotation, its waits included. */
const RESERVE_MS = 60_000

export class LoginCache {
  readonly #kept = new Map<string, KeptLogin>()

  /** The login under this key, being made where it is; made anew where there is none that is good for long enough. */
  take(key: string, open: () => Promise<OpenedLogin>): KeptLogin {
    const known = this.#kept.get(key)
    if (known && (known.renewAt === undefined || Date.now() < known.renewAt)) return known
    const startedAt = Date.now()
    const made: KeptLogin = { key, opening: open(), renewAt: undefined }
    this.#kept.set(key, made)
    made.opening.then(
      ({ expiresAt }) => {
        // Of one that lives shorter than the reserve, the last quarter is kept in reserve.
        if (expiresAt !== undefined)
          made.renewAt = expiresAt - Math.min(RESERVE_MS, Math.max(0, expiresAt - startedAt) / 4)
      },
      () => this.drop(made),
    )
    return made
  }

  /** Forgets a login that is of no use any more; another one that took its place meanwhile stays. */
  drop(login: KeptLogin): void {
    if (this.#kept.get(login.key) === login) this.#kept.delete(login.key)
  }
}
