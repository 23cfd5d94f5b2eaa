import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { appendAudit, listAudit } from '../../store/audit.ts'
import { createEnvironment, deleteEnvironment, type Environment } from '../../store/environments.ts'
import {
  createRevisionTag,
  deleteRevisionTag,
  getRevisionTag,
  listRevisionTags,
  moveRevisionTag,
} from '../../store/revision-tags.ts'
import { appendRevision } from '../../store/revisions.ts'
import {
  activeSchedules,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  updateSchedule,
} from '../../store/schedules.ts'
import { createSession, deleteExpiredSessions, findSession } from '../../store/sessions.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
let environment: Environment
let count = 0
beforeAll(async () => {
  store = await freshStore()
})
beforeEach(async () => {
  count += 1
  environment = await createEnvironment(store.db, store.keeper, {
    organization: 'acme',
    project: 'app',
    name: `e${count}`,
    creator: 'ada',
  })
})
afterAll(() => store.close())

describe('revision tags', () => {
  const tag = (name: string, revision = 1) => ({
    environmentId: environment.id,
    name,
    revision,
    editor: 'bob',
  })

  test('name one revision, move, and are removed', async () => {
    await appendRevision(store.db, { environmentId: environment.id, text: 'a: 1', creator: 'ada' })
    await createRevisionTag(store.db, tag('stable'))
    await expect(createRevisionTag(store.db, tag('stable', 2))).rejects.toThrow('already exists')
    await moveRevisionTag(store.db, tag('stable', 2))
    expect(await getRevisionTag(store.db, environment.id, 'stable')).toMatchObject({
      revision: 2,
      editorName: 'BOB',
    })
    await deleteRevisionTag(store.db, environment.id, 'stable')
    expect(await getRevisionTag(store.db, environment.id, 'stable')).toBeUndefined()
    await expect(deleteRevisionTag(store.db, environment.id, 'stable')).rejects.toThrow('no revision tag')
    await expect(moveRevisionTag(store.db, tag('stable'))).rejects.toThrow('no revision tag')
  })
  test('name only revisions that are there, and latest is nobody’s to set', async () => {
    await expect(createRevisionTag(store.db, tag('early', 9))).rejects.toThrow('no revision 9')
    await expect(createRevisionTag(store.db, tag('latest'))).rejects.toThrow('always names the newest')
    await expect(moveRevisionTag(store.db, tag('latest'))).rejects.toThrow('always names the newest')
    await expect(deleteRevisionTag(store.db, environment.id, 'latest')).rejects.toThrow(
      'always names the newest',
    )
  })
  test('are listed in byte order with latest in its place, and the listing ends', async () => {
    for (const name of ['testTag', 'Zeta', 'alpha']) await createRevisionTag(store.db, tag(name))
    await appendRevision(store.db, { environmentId: environment.id, text: 'a: 1', creator: 'bob' })
    const seen: string[] = []
    for (let after = ''; ; after = seen.at(-1)!) {
      const page = await listRevisionTags(store.db, environment.id, { after, count: 2 })
      if (page.length === 0) break
      seen.push(...page.map((row) => row.name))
    }
    expect(seen).toEqual(['Zeta', 'alpha', 'latest', 'testTag'])
    expect(await getRevisionTag(store.db, environment.id, 'latest')).toMatchObject({
      revision: 2,
      editor: 'bob',
    })
  })
})

describe('schedules', () => {
  const plan = () => ({ environmentId: environment.id, cron: '0 3 * * *', owner: 'ada' })

  test('one for each environment', async () => {
    const made = await createSchedule(store.db, plan())
    expect(made).toMatchObject({ timezone: 'UTC', path: null, paused: false, version: 1, owner: 'ada' })
    await expect(createSchedule(store.db, plan())).rejects.toThrow('has a schedule already')
    expect(await listSchedules(store.db, environment.id)).toEqual([made])
    expect(await getSchedule(store.db, made.id)).toEqual(made)
    expect(await getSchedule(store.db, 'no uuid')).toBeUndefined()
    await deleteSchedule(store.db, made.id)
    await expect(deleteSchedule(store.db, made.id)).rejects.toThrow('no such schedule')
    await expect(updateSchedule(store.db, made.id, { paused: true })).rejects.toThrow('no such schedule')
  })
  test('an edit counts up and starts anew; what it does not name stays', async () => {
    const made = await createSchedule(store.db, { ...plan(), path: 'db.creds', timezone: 'Europe/Berlin' })
    const edited = await updateSchedule(store.db, made.id, { cron: '0 4 * * *' })
    expect(edited).toMatchObject({
      cron: '0 4 * * *',
      path: 'db.creds',
      timezone: 'Europe/Berlin',
      version: 2,
    })
    expect(edited.effectiveAt.getTime()).toBeGreaterThan(made.effectiveAt.getTime())
    expect(await updateSchedule(store.db, made.id, { path: null, paused: true })).toMatchObject({
      path: null,
      paused: true,
      version: 3,
    })
  })
  test('paused ones and those of deleted environments are not active', async () => {
    const made = await createSchedule(store.db, plan())
    const ids = async () => (await activeSchedules(store.db)).map((schedule) => schedule.id)
    expect(await ids()).toContain(made.id)
    await updateSchedule(store.db, made.id, { paused: true })
    expect(await ids()).not.toContain(made.id)
    await updateSchedule(store.db, made.id, { paused: false })
    expect(await ids()).toContain(made.id)
    await deleteEnvironment(store.db, { id: environment.id, login: 'ada' })
    expect(await ids()).not.toContain(made.id)
  })
})

describe('sessions', () => {
  test('belong to a person and an environment, until they expire', async () => {
    const of = { environmentId: environment.id, login: 'bob' }
    const session = await createSession(store.db, {
      ...of,
      organization: 'acme',
      revision: 1,
      durationMs: 60_000,
    })
    expect(session.leftMs).toBe(60_000)
    const { leftMs, ...row } = (await findSession(store.db, { ...of, id: session.id }))!
    expect(session).toMatchObject(row)
    expect(leftMs).toBeLessThan(60_000)
    expect(await findSession(store.db, { ...of, id: session.id, login: 'eve' })).toBeUndefined()
    expect(await findSession(store.db, { ...of, id: 'no uuid' })).toBeUndefined()
    const expired = await createSession(store.db, { ...of, organization: 'acme', revision: 1, durationMs: 0 })
    expect(await findSession(store.db, { ...of, id: expired.id })).toBeUndefined()
    expect(await deleteExpiredSessions(store.db)).toBe(1)
    expect(await findSession(store.db, { ...of, id: session.id })).toMatchObject(row)
  })
})

describe('audit', () => {
  test('is appended, read newest first, and never changed', async () => {
    const entry = { actor: 'ada', organization: 'acme', environmentId: environment.id }
    await appendAudit(store.db, {
      ...entry,
      action: 'environment.save',
      details: { revision: 2, paths: ['a'] },
    })
    await appendAudit(store.db, { ...entry, action: 'environment.open' })
    const [newest, oldest] = await listAudit(store.db, environment.id)
    expect(newest).toMatchObject({ action: 'environment.open', details: {} })
    expect(oldest).toMatchObject({ action: 'environment.save', details: { revision: 2, paths: ['a'] } })
    expect(await listAudit(store.db, environment.id, { before: newest!.id })).toEqual([oldest])
    await expect(store.db.deleteFrom('audit_log').execute()).rejects.toThrow('never changes')
  })
  test('goes with the transaction that does the thing', async () => {
    const work = store.db.transaction().execute(async (transaction) => {
      await appendAudit(transaction, {
        actor: 'ada',
        action: 'environment.save',
        environmentId: environment.id,
      })
      throw new Error('undone')
    })
    await expect(work).rejects.toThrow('undone')
    expect(await listAudit(store.db, environment.id)).toEqual([])
  })
})
