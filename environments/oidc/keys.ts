/** Makes signing keys and sees to it that there is always one: replaced in time, its successor published before. */
import { createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import type { Database } from '../../store/database.ts'
import {
  addOidcKey,
  advanceOidcKey,
  forgetOidcKeys,
  isOidcKeyDue,
  oidcKeys,
  replaceOidcKeys,
  type MadeKey,
  type OidcKey,
  type OidcKeyTimes,
} from '../../store/oidc-keys.ts'
import type { Keeper } from '../../store/seal.ts'

const MODULUS_BITS = 2048
const generate = promisify(generateKeyPair)

export interface OidcStore {
  db: Database
  keeper: Keeper
}

/** May be called by several programs at once. True when a key was added. @throws when the store is away */
export async function tendOidcKeys({ db, keeper }: OidcStore, times: OidcKeyTimes): Promise<boolean> {
  const due = await isOidcKeyDue(db, times)
  // Made before anything is locked: it takes a while.
  const added = due && (await addOidcKey(db, keeper, await makeKey(), { times, actor: 'system' }))
  await advanceOidcKey(db, times)
  await forgetOidcKeys(db)
  return added
}

/** A successor before its time, unless one waits already; it signs after `lead`. Gives the keys as they are then. */
export async function rotateOidcKey({ db, keeper }: OidcStore, times: OidcKeyTimes): Promise<OidcKey[]> {
  await addOidcKey(db, keeper, await makeKey(), { times, actor: 'operator', force: true })
  await forgetOidcKeys(db)
  return await oidcKeys(db)
}

/** Another key in the place of all that there are, at once: one of them is in other hands. */
export async function revokeOidcKeys({ db, keeper }: OidcStore): Promise<{ removed: string[] }> {
  return await replaceOidcKeys(db, keeper, await makeKey(), 'operator')
}

/** Those that are published, oldest first; makes the first where there is none. */
export async function publishedOidcKeys(store: OidcStore, times: OidcKeyTimes): Promise<OidcKey[]> {
  const keys = await oidcKeys(store.db)
  if (keys.length > 0) return keys
  await tendOidcKeys(store, times)
  return await oidcKeys(store.db)
}

async function makeKey(): Promise<MadeKey> {
  const { privateKey } = await generate('rsa', { modulusLength: MODULUS_BITS })
  const { kty, n, e } = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint({ kty: kty!, n: n!, e: e! })
  return {
    publicKey: { kty, n, e, kid, alg: 'RS256', use: 'sig' },
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  }
}
