import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloneEnvironment, type CloneRequest } from '../../environments/clone.ts'
import { decryptDefinition } from '../../environments/decrypt.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import { createEnvironment } from '../../environments/create.ts'
import { findAllowed } from '../../environments/access.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import type { Environment } from '../../store/environments.ts'
import { giveGrant, levelOn } from '../../store/grants.ts'
import { createRevisionTag, listRevisionTags } from '../../store/revision-tags.ts'
import { getRevision, listRevisions } from '../../store/revisions.ts'
import { createSchedule, getSchedule } from '../../store/schedules.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

let at: TestEnvironments
let source: Environment
beforeAll(async () => {
  at = await testEnvironments()
  source = await at.make('source', '# kept\n' + definition({ pw: '{ fn::secret: s3 }' }))
  const state = { current: { username: 'app_a', password: 'p1' } }
  await at.save(source, definition({ pw: '{ fn::secret: s3 }', creds: rotateCall({ state }) }))
  await at.save(source, '# newest\n' + definition({ pw: '{ fn::secret: s4 }', creds: rotateCall() }))
  await createRevisionTag(at.store.db, {
    environmentId: source.id,
    name: 'stable',
    revision: 2,
    editor: 'ada',
  })
  await at.grant('eve', 'read', source)
})
afterAll(() => at.store.close())

const clone = (name: string, options: Partial<CloneRequest> = {}) =>
  cloneEnvironment(at.services, { source, target: { project: 'app', name }, login: 'ada', ...options })
const revealed = async (environment: Environment, version?: string, login = 'ada') =>
  (await decryptDefinition(at.services, { environment, login, ...(version !== undefined && { version }) }))
    .text

describe('a clone', () => {
  test('holds the newest revision alone, its secrets readable, its calls without state', async () => {
    expect(await revealed(source)).toContain('p1')
    const made = await clone('plain')
    expect(await listRevisions(at.store.db, made.id)).toMatchObject([{ number: 1, tags: ['latest'] }])
    const text = await revealed(made)
    for (const kept of ['# newest', 's4', 'fn::rotate::postgres', 'rotateUsers']) expect(text).toContain(kept)
    for (const lost of ['p1', 'state', 'current']) expect(text).not.toContain(lost)
  })
  test('shares no ciphertext with its source', async () => {
    const made = await clone('own-key')
    const ciphertexts = (text: string) => new Set(text.match(/[A-Za-z0-9+/=]{40,}/g))
    const there = ciphertexts((await at.newest(source)).text)
    const here = ciphertexts((await at.newest(made)).text)
    expect(here.size).toBe(2)
    for (const ciphertext of here) expect(there).not.toContain(ciphertext)
    await expect(at.save(made, (await at.newest(source)).text)).rejects.toThrow('for another environment')
  })
  test('with its history has every revision under its number, without any state, and its tags', async () => {
    const made = await clone('historic', { preserveHistory: true, preserveRevisionTags: true })
    expect((await listRevisions(at.store.db, made.id)).map(({ number }) => number)).toEqual([4, 3, 2, 1])
    for (const number of [1, 2, 3, 4]) {
      const text = await revealed(made, String(number))
      expect(text).not.toContain('p1')
      if (number > 1) expect(text).toContain(number === 4 ? 's4' : 's3')
    }
    expect((await getRevision(at.store.db, made.id, 1))?.text).toBe('')
    expect(await listRevisionTags(at.store.db, made.id)).toMatchObject([
      { name: 'latest', revision: 4 },
      { name: 'stable', revision: 2 },
    ])
  })
  test('of a version holds that one; grants come along when asked for', async () => {
    const made = await clone('versioned', {
      version: 'stable',
      preserveRevisionTags: true,
      preserveAccess: true,
    })
    expect(await revealed(made)).toContain('# kept')
    expect((await listRevisionTags(at.store.db, made.id)).map(({ name }) => name)).toEqual([
      'latest',
      'stable',
    ])
    expect(await levelOn(at.store.db, 'eve', made)).toBe('read')
    expect(await levelOn(at.store.db, 'eve', await clone('alone'))).toBe(null)
  })
  test('needs open on the source and write on the project; a name is taken once', async () => {
    await expect(clone('by-eve', { login: 'eve' })).rejects.toMatchObject({ kind: 'forbidden' })
    await at.grant('bob', 'open', source)
    await expect(clone('by-bob', { login: 'bob' })).rejects.toMatchObject({ kind: 'forbidden' })
    const scope = { organization: 'acme', project: 'bobs' }
    await giveGrant(at.store.db, { scope, login: 'bob', level: 'write', grantedBy: 'ada' })
    const made = await clone('by-bob', { login: 'bob', target: { project: 'bobs', name: 'copy' } })
    expect(await levelOn(at.store.db, 'bob', made)).toBe('admin')
    await expect(clone('plain')).rejects.toMatchObject({ kind: 'conflict' })
    await expect(clone('.bad')).rejects.toMatchObject({ kind: 'invalid' })
    await expect(clone('later', { version: '99' })).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('decrypting', () => {
  test('takes open', async () => {
    await expect(revealed(source, undefined, 'eve')).rejects.toMatchObject({ kind: 'forbidden' })
  })
  test('of a new environment gives the empty text', async () => {
    expect(await revealed(await at.make('empty'))).toBe('')
  })
})

describe('creating', () => {
  test('takes write on the project, and makes an administrator', async () => {
    const name = { organization: 'acme', project: 'owned', name: 'x' }
    await expect(createEnvironment(at.services, { ...name, login: 'eve' })).rejects.toMatchObject({
      kind: 'forbidden',
    })
    const scope = { organization: 'acme', project: 'owned' }
    await giveGrant(at.store.db, { scope, login: 'eve', level: 'write', grantedBy: 'ada' })
    const made = await createEnvironment(at.services, { ...name, login: 'eve' })
    expect(await levelOn(at.store.db, 'eve', made)).toBe('admin')
    await expect(
      createEnvironment(at.services, { ...name, organization: 'other', login: 'ada' }),
    ).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('deleting', () => {
  test('frees the name, takes the schedule along, and waits for no one but a rotation', async () => {
    const environment = await at.make('doomed', definition({ a: '1' }))
    const schedule = await createSchedule(at.store.db, {
      environmentId: environment.id,
      cron: '0 3 * * *',
      owner: 'ada',
    })
    const id = randomUUID()
    await insertEvent(at.store.db, {
      id,
      environmentId: environment.id,
      trigger: 'manual',
      login: 'ada',
      paths: null,
      force: false,
      scheduleId: null,
      dueAt: null,
      baseRevision: 2,
      workflowId: 'w',
      runId: 'r',
    })
    const remove = (login = 'ada') => deleteEnvironment(at.services, { environment, login })
    await at.grant('bob', 'write', environment)
    await expect(remove('bob')).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(remove()).rejects.toMatchObject({ kind: 'conflict', message: expect.stringContaining(id) })
    expect(await getSchedule(at.store.db, schedule.id)).toEqual(schedule)
    await completeEvent(at.store.db, id, { outcome: 'succeeded' })
    expect(await remove()).toEqual({ scheduleIds: [schedule.id] })
    await expect(findAllowed(at.store.db, environment, { login: 'ada', level: 'read' })).rejects.toThrow(
      'does not exist',
    )
    await expect(at.save(environment, definition({ a: '2' }))).rejects.toMatchObject({ kind: 'not-found' })
    await expect(remove()).rejects.toMatchObject({ kind: 'not-found' })
    await at.make('doomed', definition({ a: '1' }))
  })
})
