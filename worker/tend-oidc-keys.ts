/** Sees to it, as long as a worker runs, that the keys of identity tokens are replaced in time. Any number may at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { originOf } from '../activities/guarded.ts'
import { tendOidcKeys, type OidcStore } from '../environments/oidc/keys.ts'
import type { OidcSettings } from '../environments/oidc/settings.ts'

/** Milliseconds: short against the time that a key is published before it signs. */
const INTERVAL = 10 * 60_000

/** Never rejects. Not to be begun before the store's canary was opened: a wrong key must not seal anything. */
export async function tendAlways(
  store: OidcStore,
  { oidc, log }: { oidc?: OidcSettings; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (oidc && !signal.aborted) {
    try {
      if (await tendOidcKeys(store, oidc)) log.info('a new key for identity tokens was added')
    } catch (error) {
      log.warn(
        originOf(error),
        'the keys of identity tokens could not be looked after; they are looked at again',
      )
    }
    await sleep(INTERVAL, undefined, { signal }).catch(() => {})
  }
}
