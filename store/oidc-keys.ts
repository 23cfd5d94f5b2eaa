/**
 * The keys that sign identity tokens: one signs, its successor is published before it does, its predecessor until no token
 * of it is good any more. All by the store's clock, so that every program agrees. Private keys are sealed, and erased when
 * they sign no more.
 */
import { sql } from 'kysely'
import { appendAudit } from './audit.ts'
import type { Database, Queryable } from './database.ts'
import { aad, decrypt, encrypt, newDataKey, type Keeper } from './seal.ts'

/** A public RSA key as RFC 7517 has it; its `kid` is the id of the row. */
export type PublicKey = Record<string, unknown> & { kid: string }

/** Milliseconds throughout. */
export interface OidcKeyTimes {
  /** How long a key signs. */
  lifetime: number
  /** How long it is published before it signs. */
  lead: number
}

export interface OidcKey {
  id: string
  publicKey: PublicKey
  /** `next`: published, and signs from `signsFrom`. `retired`: published for the tokens that it signed. */
  state: 'next' | 'signs' | 'retired'
  createdAt: Date
  signsFrom: Date
  /** When the next one takes over; null as long as none waits. */
  signsUntil: Date | null
}

/** A key that was made and is in no store yet. */
export interface MadeKey {
  publicKey: PublicKey
  /** PKCS #8. */
  privateKey: Uint8Array
}

/** Milliseconds that a key stays published when it signs no more: longer than any of its tokens is good, anywhere. */
export const PUBLISHED_AFTER = 3_600_000

/** Those that are published, oldest first. */
export async function oidcKeys(db: Queryable): Promise<OidcKey[]> {
  const { rows } = await sql<OidcKey>`
    select id, "publicKey", "createdAt", "signsFrom", "signsUntil",
      case when "signsFrom" > now() and not alone then 'next'
        when "signsUntil" <= now() then 'retired' else 'signs' end as state
    from (
      select id, public_key as "publicKey", created_at as "createdAt", signs_from as "signsFrom",
        lead(signs_from) over turns as "signsUntil", row_number() over turns = 1 as alone
      from oidc_keys window turns as (order by signs_from, id)) as keys
    where "signsUntil" is null or "signsUntil" > now() - ${milliseconds(PUBLISHED_AFTER)}
    order by "signsFrom", id`.execute(db)
  return rows
}

/** The key that signs now, opened, and the store's time in seconds; undefined while there is none. @throws SealError */
export async function signingKey(
  db: Queryable,
  keeper: Keeper,
): Promise<{ id: string; now: number; open(): Promise<Buffer> } | undefined> {
  // Where the clock went back behind the first of all, that one signs.
  const { rows } = await sql<{ id: string; dataKey: Buffer; privateKey: Buffer; now: number }>`
    select id, data_key as "dataKey", private_key as "privateKey", extract(epoch from now())::float8 as now
    from oidc_keys where private_key is not null
    order by signs_from > now(), case when signs_from > now() then signs_from end, signs_from desc
    limit 1`.execute(db)
  const [row] = rows
  if (!row) return undefined
  const { id, now, dataKey, privateKey } = row
  return {
    id,
    now,
    open: async () => decrypt(await keeper.unwrap(dataKey), bindingOf(id), privateKey),
  }
}

/** True when there is none, or the newest is about to have signed long enough. */
export async function isOidcKeyDue(db: Queryable, { lifetime, lead }: OidcKeyTimes): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    select coalesce(max(signs_from) <= now()
      and max(signs_from) + ${milliseconds(lifetime)} <= now() + ${milliseconds(lead)}, true) as due
    from oidc_keys`.execute(db)
  return rows[0]!.due
}

/**
 * One that waits longer than `lead` was added while the clock was wrong, or under another setting: until then the key before
 * would go on to sign, for any time. It has been published since, so it may begin earlier, but not at once.
 */
export async function advanceOidcKey(db: Queryable, { lead }: OidcKeyTimes): Promise<void> {
  await sql`update oidc_keys set signs_from = now() + ${milliseconds(lead)}
    where signs_from > now() + ${milliseconds(lead)}
      and exists (select from oidc_keys as signing where signing.signs_from <= now())`.execute(db)
}

/**
 * Adds a key, unless another program has since `isOidcKeyDue` was asked: it signs after `lead`, at once where it is the
 * first. False when it was not needed.
 */
export async function addOidcKey(
  db: Database,
  keeper: Keeper,
  made: MadeKey,
  { times, actor, force = false }: { times: OidcKeyTimes; actor: string; force?: boolean },
): Promise<boolean> {
  const id = made.publicKey.kid
  const sealed = await seal(keeper, made)
  return await db.transaction().execute(async (transaction) => {
    await sql`lock table oidc_keys in share row exclusive mode`.execute(transaction)
    const wanted = force ? await noneWaits(transaction) : await isOidcKeyDue(transaction, times)
    if (!wanted) return false
    await sql`insert into oidc_keys (id, public_key, data_key, private_key, signs_from)
      select ${id}, ${JSON.stringify(made.publicKey)}::jsonb, ${sealed.dataKey}, ${sealed.privateKey},
        now() + case when exists (select from oidc_keys) then ${milliseconds(times.lead)} else interval '0' end`.execute(
      transaction,
    )
    await appendAudit(transaction, { actor, action: 'oidc.key.add', details: { key: id } })
    return true
  })
}

/** Puts this key in the place of all others, at once: no token that one of them signed is good any more. */
export async function replaceOidcKeys(
  db: Database,
  keeper: Keeper,
  made: MadeKey,
  actor: string,
): Promise<{ removed: string[] }> {
  const id = made.publicKey.kid
  const sealed = await seal(keeper, made)
  return await db.transaction().execute(async (transaction) => {
    await sql`lock table oidc_keys in share row exclusive mode`.execute(transaction)
    const removed = await transaction.deleteFrom('oidc_keys').returning('id').execute()
    await sql`insert into oidc_keys (id, public_key, data_key, private_key, signs_from)
      values (${id}, ${JSON.stringify(made.publicKey)}::jsonb, ${sealed.dataKey}, ${sealed.privateKey}, now())`.execute(
      transaction,
    )
    const details = { key: id, removed: removed.map((key) => key.id) }
    await appendAudit(transaction, { actor, action: 'oidc.key.replace', details })
    return { removed: details.removed }
  })
}

/** Erases private keys that sign no more, and forgets keys whose tokens are all out of date. */
export async function forgetOidcKeys(db: Queryable): Promise<void> {
  await sql`with turns as (
      select id, lead(signs_from) over (order by signs_from, id) as until from oidc_keys),
    forgotten as (
      delete from oidc_keys using turns
      where oidc_keys.id = turns.id and turns.until <= now() - ${milliseconds(PUBLISHED_AFTER)})
    update oidc_keys set private_key = null from turns
    where oidc_keys.id = turns.id and turns.until <= now() and turns.until > now() - ${milliseconds(PUBLISHED_AFTER)}
      and private_key is not null`.execute(db)
}

async function noneWaits(db: Queryable): Promise<boolean> {
  return (await oidcKeys(db)).every(({ state }) => state !== 'next')
}

async function seal(keeper: Keeper, { publicKey, privateKey }: MadeKey) {
  const dataKey = await newDataKey(keeper)
  const sealed = encrypt(await keeper.unwrap(dataKey), bindingOf(publicKey.kid), privateKey)
  return { dataKey, privateKey: sealed }
}

/** Ties a private key to its row. */
function bindingOf(id: string): Buffer {
  return aad(['oidc key', id])
}

function milliseconds(value: number) {
  return sql`${value}::float8 * interval '1 millisecond'`
}
