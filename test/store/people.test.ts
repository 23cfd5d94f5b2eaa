import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEnvironment, type Environment } from '../../store/environments.ts'
import {
  giveGrant,
  levelOn,
  levelOnOrganization,
  levelOnProject,
  listGrants,
  takeGrant,
} from '../../store/grants.ts'
import { authenticateToken, createToken, listTokens, revokeToken } from '../../store/tokens.ts'
import { ensureOrganization, ensureUser, findUser, isMember, organizationsOf } from '../../store/users.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
let here: Environment
let sibling: Environment
beforeAll(async () => {
  store = await freshStore()
  const make = (name: string) =>
    createEnvironment(store.db, store.keeper, { organization: 'acme', project: 'app', name, creator: 'ada' })
  here = await make('here')
  sibling = await make('sibling')
})
afterAll(() => store.close())

describe('tokens', () => {
  test('are known by the one who has them, and stored as a hash only', async () => {
    const made = await createToken(store.db, { login: 'bob', name: 'laptop' })
    const token = made.token.reveal()
    expect(token).toMatch(/^rkp_[\w-]{43}$/)
    expect(JSON.stringify(made)).not.toContain(token)
    expect(await authenticateToken(store.db, token)).toMatchObject({
      id: made.id,
      login: 'bob',
      name: 'laptop',
    })
    expect((await listTokens(store.db, 'bob'))[0]?.lastUsedAt).toBeInstanceOf(Date)
    const { rows } = await sql<{ row: string }>`select access_tokens::text as row from access_tokens`.execute(
      store.db,
    )
    for (const { row } of rows) expect(row).not.toContain(token.slice(4))
  })
  test('wrong, expired and revoked ones are refused, each in its own words', async () => {
    const expired = await createToken(store.db, { login: 'bob', name: 'short', expiresInMs: 0 })
    const lasting = await createToken(store.db, { login: 'bob', name: 'long', expiresInMs: 60_000 })
    await expect(authenticateToken(store.db, 'rkp_nobody')).rejects.toThrow('not known')
    await expect(authenticateToken(store.db, expired.token.reveal())).rejects.toThrow('expired')
    await authenticateToken(store.db, lasting.token.reveal())
    await expect(revokeToken(store.db, { id: lasting.id, login: 'eve' })).rejects.toThrow('no access token')
    await expect(revokeToken(store.db, { id: 'no uuid', login: 'bob' })).rejects.toThrow('no access token')
    await authenticateToken(store.db, lasting.token.reveal())
    await revokeToken(store.db, { id: lasting.id, login: 'bob' })
    await expect(authenticateToken(store.db, lasting.token.reveal())).rejects.toThrow('revoked')
  })
})

describe('grants', () => {
  test('the highest of organization, project and environment counts', async () => {
    const give = (scope: { project?: string; environmentId?: string }, level: 'read' | 'open' | 'write') =>
      giveGrant(store.db, {
        scope: { organization: 'acme', ...scope },
        login: 'eve',
        level,
        grantedBy: 'ada',
      })
    expect(await levelOn(store.db, 'eve', here)).toBe(null)
    await give({ project: 'app', environmentId: here.id }, 'write')
    expect(await levelOn(store.db, 'eve', here)).toBe('write')
    expect(await levelOn(store.db, 'eve', sibling)).toBe(null)
    expect(await levelOnProject(store.db, 'eve', here)).toBe(null)
    await give({ project: 'app' }, 'open')
    expect(await levelOn(store.db, 'eve', sibling)).toBe('open')
    expect(await levelOn(store.db, 'eve', here)).toBe('write')
    expect(await levelOnProject(store.db, 'eve', here)).toBe('open')
    await give({}, 'read')
    expect(await levelOnOrganization(store.db, 'eve', 'acme')).toBe('read')
    expect(await levelOnProject(store.db, 'eve', { organization: 'acme', project: 'zoo' })).toBe('read')
    await give({ project: 'app' }, 'read')
    expect(await levelOn(store.db, 'eve', sibling)).toBe('read')
    expect(await listGrants(store.db, { organization: 'acme', environmentId: here.id })).toMatchObject([
      { login: 'eve', level: 'write', grantedBy: 'ada' },
    ])
    await takeGrant(store.db, {
      scope: { organization: 'acme', project: 'app', environmentId: here.id },
      login: 'eve',
    })
    expect(await levelOn(store.db, 'eve', here)).toBe('read')
    await expect(
      takeGrant(store.db, { scope: { organization: 'acme', project: 'zoo' }, login: 'eve' }),
    ).rejects.toThrow('no such grant')
  })
  test('an administrator of the organization may do everything in it and nothing elsewhere', async () => {
    expect(await levelOn(store.db, 'ada', here)).toBe('admin')
    expect(await levelOn(store.db, 'ada', { id: randomUUID(), organization: 'other', project: 'app' })).toBe(
      null,
    )
  })
  test('a person who is not there gets none; one who gets one belongs to the organization', async () => {
    const grant = { scope: { organization: 'acme' }, level: 'read', grantedBy: 'ada' } as const
    await expect(giveGrant(store.db, { ...grant, login: 'nobody' })).rejects.toThrow('no user nobody')
    await ensureUser(store.db, { login: 'fay' })
    expect(await isMember(store.db, 'acme', 'fay')).toBe(false)
    await giveGrant(store.db, { ...grant, login: 'fay' })
    expect(await isMember(store.db, 'acme', 'fay')).toBe(true)
    expect(await organizationsOf(store.db, 'fay')).toEqual(['acme'])
  })
})

test('a user and an organization are made once', async () => {
  await ensureUser(store.db, { login: 'gus', name: 'Gus' })
  await ensureUser(store.db, { login: 'gus', name: 'Another' })
  await ensureOrganization(store.db, 'acme')
  expect(await findUser(store.db, 'gus')).toEqual({ login: 'gus', name: 'Gus', email: null })
})
