/** Rekey's keys for identity tokens: replaced with overlap, sealed, wrapped anew, restored, and agreed on by all programs. */
import { createPrivateKey } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JWK } from 'jose'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { askerOf, identityToken } from '../../environments/oidc/identity-token.ts'
import {
  publishedOidcKeys,
  revokeOidcKeys,
  rotateOidcKey,
  tendOidcKeys,
} from '../../environments/oidc/keys.ts'
import type { OidcSettings } from '../../environments/oidc/settings.ts'
import { audienceOf, subjectOf } from '../../model/oidc.ts'
import { connectDatabase } from '../../store/database.ts'
import { loadKeeper } from '../../store/keeper.ts'
import { newKey, readKeyFile, replaceKeyFile } from '../../store/key-file.ts'
import { oidcKeys, signingKey } from '../../store/oidc-keys.ts'
import { countOlder, rewrapKeys } from '../../store/rewrap.ts'
import { tendAlways } from '../../worker/tend-oidc-keys.ts'
import { backUp, freshStore, type TestStore } from '../support/store.ts'

const DAY = 24 * 3_600_000
const oidc: OidcSettings = {
  issuer: 'https://rekey.example.com',
  audience: 'aws:{org}',
  lifetime: 90 * DAY,
  lead: DAY,
}
const asker = {
  organization: 'acme',
  rootEnvironment: 'billing/aws',
  currentEnvironment: 'logins/aws',
  login: 'ada',
}

let store: TestStore
beforeAll(async () => {
  store = await freshStore()
})
afterAll(() => store.close())
afterEach(async () => void (await store.db.deleteFrom('oidc_keys').execute()))

const tokenOf = async (of: Pick<TestStore, 'db' | 'keeper'> = store): Promise<string> =>
  (await identityToken({ db: of.db, keeper: of.keeper, oidc }, asker, {})).token.reveal()

/** What somebody who checks tokens has fetched. */
async function keySet(
  of: Pick<TestStore, 'db' | 'keeper'> = store,
): Promise<ReturnType<typeof createLocalJWKSet>> {
  const keys = await publishedOidcKeys(of, oidc)
  return createLocalJWKSet({ keys: keys.map(({ publicKey }) => publicKey as unknown as JWK) })
}

const isGood = (token: string, keys: ReturnType<typeof createLocalJWKSet>): Promise<boolean> =>
  jwtVerify(token, keys, { issuer: oidc.issuer, audience: 'aws:acme' }).then(
    () => true,
    () => false,
  )

/** As if so many milliseconds had passed for the keys. */
async function pass(milliseconds: number): Promise<void> {
  await sql`update oidc_keys set signs_from = signs_from - ${milliseconds}::float8 * interval '1 millisecond'`.execute(
    store.db,
  )
}

const states = async () => (await oidcKeys(store.db)).map(({ state }) => state)
const kid = (token: string) => decodeProtectedHeader(token).kid

describe('keys', () => {
  test('are replaced with overlap: the next is known before it signs, the one before until its tokens are out of date', async () => {
    const first = await tokenOf()
    expect(await states()).toEqual(['signs'])
    expect(await tendOidcKeys(store, oidc)).toBe(false)
    await pass(89 * DAY - 60_000)
    expect(await tendOidcKeys(store, oidc)).toBe(false)

    await pass(61_000)
    expect(await tendOidcKeys(store, oidc)).toBe(true)
    expect(await tendOidcKeys(store, oidc)).toBe(false)
    expect(await states()).toEqual(['signs', 'next'])
    const last = await tokenOf()
    expect(kid(last)).toBe(kid(first))
    // Nobody fetches keys from here on: what was published before its use is enough.
    const fetched = await keySet()

    await pass(DAY + 1_000)
    expect(await states()).toEqual(['retired', 'signs'])
    const next = await tokenOf()
    expect(kid(next)).not.toBe(kid(last))
    expect(await isGood(next, fetched)).toBe(true)
    expect(await isGood(last, await keySet())).toBe(true)

    await tendOidcKeys(store, oidc)
    const { private_key: erased } = await store.db
      .selectFrom('oidc_keys')
      .select('private_key')
      .where('id', '=', kid(last)!)
      .executeTakeFirstOrThrow()
    expect(erased).toBeNull()
    await pass(3_600_000)
    await tendOidcKeys(store, oidc)
    expect(await states()).toEqual(['signs'])
    expect(await isGood(last, await keySet())).toBe(false)
    expect(await isGood(next, await keySet())).toBe(true)
  })

  test('several programs at once make one key, and agree on which', async () => {
    const others = [1, 2, 3].map(() => connectDatabase(store.url))
    try {
      const programs = others.map((db) => ({ db, keeper: store.keeper }))
      const added = await Promise.all(programs.map((program) => tendOidcKeys(program, oidc)))
      expect(added.filter(Boolean)).toHaveLength(1)
      await pass(90 * DAY)
      const again = await Promise.all(programs.map((program) => tendOidcKeys(program, oidc)))
      expect(again.filter(Boolean)).toHaveLength(1)
      const tokens = await Promise.all(programs.map((program) => tokenOf(program)))
      expect(new Set(tokens.map(kid)).size).toBe(1)
      await Promise.all(programs.map((program) => rotateOidcKey(program, oidc)))
      expect(await states()).toEqual(['signs', 'next'])
    } finally {
      for (const db of others) await db.destroy()
    }
  })

  test('are looked after by a worker as long as it runs; a store that is away is asked again', async () => {
    const log = pino({ level: 'silent' })
    const stop = new AbortController()
    const tending = tendAlways(store, { oidc, log }, stop.signal)
    await vi.waitFor(async () => expect(await states()).toEqual(['signs']), 5_000)
    const away = connectDatabase('postgres://nobody@127.0.0.1:1/none')
    const asking = tendAlways({ db: away, keeper: store.keeper }, { oidc, log }, stop.signal)
    await sleep(50)
    stop.abort()
    await Promise.all([tending, asking])
    await away.destroy()
  })

  test('that are revoked are gone at once, with the tokens that they signed', async () => {
    const before = await tokenOf()
    await rotateOidcKey(store, oidc)
    const { removed } = await revokeOidcKeys(store)
    expect(removed).toHaveLength(2)
    expect(await states()).toEqual(['signs'])
    const keys = await keySet()
    expect(await isGood(before, keys)).toBe(false)
    expect(await isGood(await tokenOf(), keys)).toBe(true)
  })

  test('outlast the clock of the store when it goes back', async () => {
    await tokenOf()
    await pass(-3_600_000)
    expect(await states()).toEqual(['signs'])
    expect(await isGood(await tokenOf(), await keySet())).toBe(true)
    expect(await tendOidcKeys(store, oidc)).toBe(false)
  })

  test('outlast a clock of the store that was far ahead for a while: the next one signs in time, not when the clock was right', async () => {
    const before = await tokenOf()
    const jump = 100 * DAY
    await pass(jump)
    expect(await tendOidcKeys(store, oidc)).toBe(true)
    await pass(-jump)
    expect(await states()).toEqual(['signs', 'next'])
    expect(kid(await tokenOf())).toBe(kid(before))
    const fetched = await keySet()
    await tendOidcKeys(store, oidc)
    await pass(DAY - 60_000)
    expect(kid(await tokenOf())).toBe(kid(before))
    await pass(61_000)
    const after = await tokenOf()
    expect(kid(after)).not.toBe(kid(before))
    expect(await isGood(after, fetched)).toBe(true)
    expect(await isGood(before, await keySet())).toBe(true)
  })

  test('are sealed: no part of a private one is in its row, and another row does not open it', async () => {
    await tokenOf()
    const opened = await (await signingKey(store.db, store.keeper))!.open()
    const { d, p, q } = createPrivateKey({ key: opened, format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    })
    const { rows } = await sql<{ text: string }>`
      select t::text || encode(private_key, 'base64') || encode(private_key, 'escape') as text from oidc_keys t`.execute(
      store.db,
    )
    expect(rows[0]!.text).toContain('"kid"')
    for (const part of [d!, p!, q!]) {
      const bytes = Buffer.from(part, 'base64url')
      for (const form of [part, bytes.toString('hex'), bytes.toString('base64').slice(4, 80)])
        expect(rows[0]!.text).not.toContain(form)
    }
    await store.db.updateTable('oidc_keys').set({ id: 'another' }).execute()
    await expect(signingKey(store.db, store.keeper).then((key) => key!.open())).rejects.toThrow(
      /sealed with another/,
    )
  })
})

describe('keys and the key of the store', () => {
  test('are wrapped anew with it: the old key opens none of them, tokens from before stay good', async () => {
    const before = await tokenOf()
    const old = await readKeyFile(store.keyFile)
    await replaceKeyFile(store.keyFile, { keys: [newKey(), ...old.keys] })
    const keeper = await loadKeeper(store.keyFile)
    const { total } = await countOlder(store.db, keeper)
    expect(await rewrapKeys(store.db, keeper)).toEqual({ rewrapped: total, total })
    await replaceKeyFile(store.keyFile, { keys: [(await readKeyFile(store.keyFile)).keys[0]!] })
    const after = await tokenOf({ db: store.db, keeper: await loadKeeper(store.keyFile) })
    expect(kid(after)).toBe(kid(before))
    expect(await isGood(before, await keySet())).toBe(true)
    await replaceKeyFile(`${store.keyFile}.old`, old)
    await expect(
      tokenOf({ db: store.db, keeper: await loadKeeper(`${store.keyFile}.old`) }),
    ).rejects.toThrow()
  })

  test('come back with a store that is restored: it signs with the key of then, and goes on from there', async () => {
    const before = await tokenOf()
    const backup = await backUp(store)
    await revokeOidcKeys(store)
    const restored = await backup.restore()
    try {
      const token = await tokenOf(restored)
      expect(kid(token)).toBe(kid(before))
      const keys = await keySet(restored)
      expect(await isGood(token, keys)).toBe(true)
      expect(await isGood(await tokenOf(), keys)).toBe(false)
    } finally {
      await restored.close()
    }
  })
})

describe('what a token says', () => {
  test('is the same as with ESC', () => {
    expect(subjectOf(asker)).toBe('pulumi:environments:org:acme:env:billing/aws')
    expect(subjectOf(asker, ['currentEnvironment.name', 'pulumi.user.login'])).toBe(
      'pulumi:environments:pulumi.organization.login:acme:currentEnvironment.name:logins/aws:pulumi.user.login:ada',
    )
    expect(audienceOf('aws:{org}', asker)).toBe('aws:acme')
    expect(audienceOf('sts.amazonaws.com', asker)).toBe('sts.amazonaws.com')
  })

  test.for([
    ['logins/aws@3', 'logins/aws'],
    ['logins/aws@stable', 'logins/aws'],
    ['acme/logins/aws', 'logins/aws'],
    ['aws', 'default/aws'],
  ])('an environment that is imported as %s is %s', ([reference, name]) => {
    expect(askerOf({ ...asker, currentEnvironment: reference! }).currentEnvironment).toBe(name)
  })

  test.for(['<yaml>', '', 'other/logins/aws', 'a:b:c/d'])('a text that is called %j is nobody', (name) => {
    expect(() => askerOf({ ...asker, rootEnvironment: name })).toThrow(/only what is in an environment/)
  })

  test('without an issuer there is none, and the words say which setting is missing', async () => {
    await expect(identityToken({ db: store.db, keeper: store.keeper }, asker, {})).rejects.toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringContaining('REKEY_OIDC_ISSUER'),
    })
  })

  test('the time is the store’s, and a token never prints itself', async () => {
    const made = await identityToken({ db: store.db, keeper: store.keeper, oidc }, asker, {})
    expect(JSON.stringify(made) + String(made.token)).not.toContain(made.token.reveal())
    const { payload } = await jwtVerify(made.token.reveal(), await keySet())
    const { rows } = await sql<{ now: number }>`select extract(epoch from now())::float8 as now`.execute(
      store.db,
    )
    expect(Math.abs(rows[0]!.now - payload.iat!)).toBeLessThan(5)
    expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(600)
  })
})
