/**
 * Wraps every wrapped key of the store anew with the newest key-encryption key, while programs serve: what a key
 * opens does not change, so whoever has it open goes on. May be run again, and at the same time as itself.
 */
import { appendAudit } from './audit.ts'
import type { Database } from './database.ts'
import type { Keeper } from './seal.ts'

const BATCH = 200
const NO_ID = '00000000-0000-0000-0000-000000000000'

export interface Rewrapped {
  /** Keys that an older key had wrapped, and the newest one does now. */
  rewrapped: number
  /** All wrapped keys of the store. */
  total: number
}

/** How many keys there are, and how many of them the newest key does not wrap; changes nothing. @throws SealError */
export async function countOlder(db: Database, keeper: Keeper): Promise<{ older: number; total: number }> {
  const { rewrapped, total } = await eachWrapped(db, keeper, () => Promise.resolve(true))
  return { older: rewrapped, total }
}

/** @throws SealError when there is a key that none of the keeper's keys opens; those before it are wrapped anew. */
export async function rewrapKeys(db: Database, keeper: Keeper): Promise<Rewrapped> {
  const done = await eachWrapped(db, keeper, async (place, wrapped, key) =>
    place.replace(wrapped, await keeper.wrap(key)),
  )
  await appendAudit(db, {
    actor: 'system',
    action: 'key.rotate',
    details: { rewrapped: done.rewrapped, total: done.total },
  })
  return done
}

interface Place {
  /** False when somebody else has replaced it meanwhile. */
  replace(wrapped: Buffer, anew: Buffer): Promise<boolean>
}

async function eachWrapped(
  db: Database,
  keeper: Keeper,
  onOlder: (place: Place, wrapped: Buffer, key: Buffer) => Promise<boolean>,
): Promise<Rewrapped> {
  const done = { rewrapped: 0, total: 0 }
  const visit = async (place: Place, wrapped: Buffer) => {
    done.total += 1
    const key = await keeper.unwrapOlder(wrapped)
    if (key && (await onOlder(place, wrapped, key))) done.rewrapped += 1
  }
  // Deleted environments as well: their journal may still hold credentials.
  for (let after = NO_ID; ;) {
    const rows = await db
      .selectFrom('environments')
      .select(['id', 'data_key'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    for (const row of rows)
      await visit({ replace: (from, to) => replaceDataKey(db, row.id, from, to) }, row.data_key)
    const last = rows.at(-1)
    if (!last) break
    after = last.id
  }
  for (const row of await db.selectFrom('oidc_keys').select(['id', 'data_key']).orderBy('id').execute())
    await visit({ replace: (from, to) => replaceOidcKey(db, row.id, from, to) }, row.data_key)
  // The canary last: until then the key from before is still asked for at every start.
  const canary = await db.selectFrom('key_canary').select(['sealed', 'hash_key']).executeTakeFirst()
  if (canary?.hash_key)
    await visit({ replace: (from, to) => replaceCanary(db, 'hash_key', from, to) }, canary.hash_key)
  if (canary) await visit({ replace: (from, to) => replaceCanary(db, 'sealed', from, to) }, canary.sealed)
  return done
}

async function replaceDataKey(db: Database, id: string, from: Buffer, to: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('environments')
    .set({ data_key: to })
    .where('id', '=', id)
    .where('data_key', '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function replaceOidcKey(db: Database, id: string, from: Buffer, to: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('oidc_keys')
    .set({ data_key: to })
    .where('id', '=', id)
    .where('data_key', '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function replaceCanary(
  db: Database,
  column: 'sealed' | 'hash_key',
  from: Buffer,
  to: Buffer,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('key_canary')
    .set({ [column]: to })
    .where(column, '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
