/** Access tokens. Only their hash is stored: the token itself is given out once, by `createToken`. */
import { hash, randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import type { Queryable } from './database.ts'

/** Some clients send a token that begins with "token" without the scheme, so ours never do. */
const PREFIX = 'rkp_'

export interface AccessToken {
  id: string
  login: string
  name: string
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  /** To the minute. */
  lastUsedAt: Date | null
}

const COLUMNS = [
  'id',
  'login',
  'name',
  'created_at as createdAt',
  'expires_at as expiresAt',
  'revoked_at as revokedAt',
  'last_used_at as lastUsedAt',
] as const

/** Without `expiresInMs` it never expires. */
export async function createToken(
  db: Queryable,
  { login, name, expiresInMs }: { login: string; name: string; expiresInMs?: number },
): Promise<AccessToken & { token: Secret<string> }> {
  const token = PREFIX + randomBytes(32).toString('base64url')
  const row = await db
    .insertInto('access_tokens')
    .values({
      id: randomUUID(),
      login,
      name,
      hash: hashOf(token),
      expires_at:
        expiresInMs === undefined ? null : sql<Date>`now() + ${expiresInMs} * interval '1 millisecond'`,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
  return { ...row, token: new Secret(token) }
}

/** Whose token this is. @throws Refusal unauthenticated when it is nobody's, has expired or was revoked. */
export async function authenticateToken(db: Queryable, token: string): Promise<AccessToken> {
  const row = await db
    .selectFrom('access_tokens')
    .select(COLUMNS)
    .select([
      sql<boolean>`coalesce(expires_at <= now(), false)`.as('expired'),
      sql<boolean>`coalesce(last_used_at > now() - interval '1 minute', false)`.as('usedJustNow'),
    ])
    .where('hash', '=', hashOf(token))
    .executeTakeFirst()
  await acceptToken(db, row)
  const { expired: _expired, usedJustNow: _usedJustNow, ...found } = row!
  return found
}

/**
 * Judges a token's row as it was found just now, and notes that it was used.
 * @throws Refusal unauthenticated when there is none, it has expired or was revoked.
 */
export async function acceptToken(
  db: Queryable,
  row: { id: string; revokedAt: Date | null; expired: boolean; usedJustNow: boolean } | undefined,
): Promise<void> {
  if (!row) throw new Refusal('unauthenticated', 'this access token is not known here')
  if (row.revokedAt !== null) throw new Refusal('unauthenticated', 'this access token was revoked')
  if (row.expired) throw new Refusal('unauthenticated', 'this access token has expired')
  if (row.usedJustNow) return
  await db
    .updateTable('access_tokens')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', row.id)
    .execute()
}

/** Somebody's tokens, newest first, revoked ones included. */
export async function listTokens(db: Queryable, login: string): Promise<AccessToken[]> {
  return db
    .selectFrom('access_tokens')
    .select(COLUMNS)
    .where('login', '=', login)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
}

/** Ends one of somebody's tokens for good. @throws Refusal not-found */
export async function revokeToken(
  db: Queryable,
  { id, login }: { id: string; login: string },
): Promise<void> {
  const revoked = await db
    .updateTable('access_tokens')
    .set({ revoked_at: sql<Date>`coalesce(revoked_at, now())` })
    .where(sql<boolean>`id::text = ${id}`)
    .where('login', '=', login)
    .executeTakeFirst()
  if (revoked.numUpdatedRows === 0n) throw new Refusal('not-found', `${login} has no access token ${id}`)
}

/** What the store knows a token by. */
export function hashOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
