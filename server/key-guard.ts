/** Keeps a server with the wrong key file from sealing anything: checked once against the store, as soon as it is there. */
import { Refusal } from '../model/refusal.ts'
import { checkCanary } from '../store/canary.ts'
import type { Database } from '../store/database.ts'
import type { ProgramKeeper } from '../store/keeper.ts'
import { awayDependency } from './away.ts'

export interface KeyGuard {
  /** @throws Refusal unavailable until the key has opened the store's canary; the driver's error while it is away. */
  demand(): Promise<void>
  /**
   * At the start.
   * @returns false while the store is away or has no schema
   * @throws Error in words when the store is there and the key is not its own.
   */
  refuseWrong(): Promise<boolean>
}

export function createKeyGuard(db: Database, keeper: ProgramKeeper): KeyGuard {
  let opened = false
  const check = async () => {
    if (opened) return
    await checkCanary(db, keeper)
    opened = true
  }
  return {
    demand: () =>
      check().catch((error: unknown) => {
        if (awayDependency(error)) throw error
        throw new Refusal(
          'unavailable',
          error instanceof Error ? error.message : 'the key could not be checked',
        )
      }),
    refuseWrong: () =>
      check().then(
        () => true,
        (error: unknown) => {
          if (!awayDependency(error)) throw error
          return false
        },
      ),
  }
}
