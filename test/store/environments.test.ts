import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRefusal } from '../../model/refusal.ts'
import {
  createEnvironment,
  dataKeyOf,
  deleteEnvironment,
  findEnvironment,
  findEnvironmentById,
  listEnvironments,
  lockEnvironment,
} from '../../store/environments.ts'
import { giveGrant } from '../../store/grants.ts'
import { createRevisionTag } from '../../store/revision-tags.ts'
import {
  appendRevision,
  etag,
  findRevisionByEvent,
  latestRevision,
  listRevisions,
  revisionAt,
} from '../../store/revisions.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
const refused = (kind: Parameters<typeof isRefusal>[1]) => (error: unknown) => isRefusal(error, kind)
const make = (name: string, project = 'app') =>
  createEnvironment(store.db, store.keeper, { organization: 'acme', project, name, creator: 'ada' })

beforeAll(async () => {
  store = await freshStore()
})
afterAll(() => store.close())

describe('environments', () => {
  test('begin with revision 1, the empty text, and are found by name and id', async () => {
    const made = await make('new')
    expect(made).toMatchObject({ organization: 'acme', project: 'app', name: 'new', newestRevision: 1 })
    expect(await findEnvironment(store.db, made)).toEqual(made)
    expect(await findEnvironmentById(store.db, made.id)).toEqual(made)
    expect(await latestRevision(store.db, made.id)).toMatchObject({ number: 1, text: '', creator: 'ada' })
  })
  test('a name is taken once, also by two at the same moment', async () => {
    const results = await Promise.allSettled([make('twice'), make('twice'), make('twice')])
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toSatisfy(refused('conflict'))
  })
  test('a deleted one leaves its name, its key and a tombstone', async () => {
    const first = await make('reused')
    const sealed = (await dataKeyOf(store.db, store.keeper, first.id)).seal('journal', 'r', Buffer.from('x'))
    expect(await deleteEnvironment(store.db, { id: first.id, login: 'ada' })).toBe(true)
    expect(await deleteEnvironment(store.db, { id: first.id, login: 'ada' })).toBe(false)
    expect(await findEnvironment(store.db, first)).toBeUndefined()
    expect((await findEnvironmentById(store.db, first.id))?.deletedAt).toBeInstanceOf(Date)
    await expect(
      appendRevision(store.db, { environmentId: first.id, text: '', creator: 'ada' }),
    ).rejects.toSatisfy(refused('not-found'))
    const second = await make('reused')
    const key = await dataKeyOf(store.db, store.keeper, first.id)
    expect(key.open('journal', 'r', sealed).toString()).toBe('x')
    expect(() => key.open('journal', 's', sealed)).toThrow()
    const otherKey = await dataKeyOf(store.db, store.keeper, second.id)
    expect(() => otherKey.open('journal', 'r', sealed)).toThrow()
  })
  test('an unknown id has no key', async () => {
    await expect(dataKeyOf(store.db, store.keeper, randomUUID())).rejects.toSatisfy(refused('not-found'))
  })
  test('a locked one waits', async () => {
    const made = await make('locked')
    const order: string[] = []
    const appended = await store.db.transaction().execute(async (transaction) => {
      await lockEnvironment(transaction, made.id)
      const waiting = appendRevision(store.db, { environmentId: made.id, text: 'b: 1', creator: 'ada' }).then(
        () => order.push('waited'),
      )
      await new Promise((resolve) => setTimeout(resolve, 150))
      order.push('held')
      return { waiting }
    })
    await appended.waiting
    expect(order).toEqual(['held', 'waited'])
  })
})

describe('revisions', () => {
  test('twenty appended at once have no gap and no double', async () => {
    const made = await make('busy')
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        appendRevision(store.db, { environmentId: made.id, text: `n: ${index}`, creator: 'ada' }),
      ),
    )
    const numbers = (await listRevisions(store.db, made.id)).map((revision) => revision.number)
    expect(numbers).toEqual(Array.from({ length: 21 }, (_, index) => 21 - index))
  })
  test('never change, whoever tries', async () => {
    const made = await make('fixed')
    await expect(
      store.db.updateTable('revisions').set({ text: 'x' }).where('environment_id', '=', made.id).execute(),
    ).rejects.toThrow('never changes')
    await expect(
      store.db.deleteFrom('revisions').where('environment_id', '=', made.id).execute(),
    ).rejects.toThrow('never changes')
  })
  test('one event writes one revision', async () => {
    const made = await make('event')
    const eventId = randomUUID()
    await appendRevision(store.db, { environmentId: made.id, text: 'a: 1', creator: 'ada', eventId })
    await expect(
      appendRevision(store.db, { environmentId: made.id, text: 'a: 2', creator: 'ada', eventId }),
    ).rejects.toThrow('revisions_by_event')
    expect(await findRevisionByEvent(store.db, eventId)).toMatchObject({ number: 2, text: 'a: 1' })
    expect((await findEnvironmentById(store.db, made.id))?.newestRevision).toBe(2)
  })
  test('are listed newest first, below a bound, with their tags', async () => {
    const made = await make('listed')
    for (const text of ['a: 1', 'a: 2'])
      await appendRevision(store.db, { environmentId: made.id, text, creator: 'bob' })
    await createRevisionTag(store.db, { environmentId: made.id, name: 'stable', revision: 2, editor: 'ada' })
    expect(await listRevisions(store.db, made.id, { before: 0, count: 1 })).toMatchObject([
      { number: 3, creator: 'bob', creatorName: 'BOB', tags: ['latest'] },
    ])
    expect(await listRevisions(store.db, made.id, { before: 3 })).toMatchObject([
      { number: 2, tags: ['stable'] },
      { number: 1, tags: [] },
    ])
    expect(await listRevisions(store.db, made.id, { before: 1 })).toEqual([])
    expect(await revisionAt(store.db, made.id, { kind: 'tag', tag: 'stable' })).toMatchObject({
      text: 'a: 1',
    })
    expect(await revisionAt(store.db, made.id, { kind: 'latest' })).toMatchObject({ text: 'a: 2' })
    expect(await revisionAt(store.db, made.id, { kind: 'number', number: 9 })).toBeUndefined()
    expect(await revisionAt(store.db, made.id, { kind: 'tag', tag: 'none' })).toBeUndefined()
  })
  test('each has an etag of its own', () => {
    const tags = new Set([etag('a', 1), etag('a', 2), etag('b', 1), etag('a', 11)])
    expect(tags.size).toBe(4)
    expect(etag('a', 1)).toBe(etag('a', 1))
  })
})

describe('listing', () => {
  test('shows what a person may read, page by page, without deleted ones', async () => {
    for (const name of ['e1', 'e2', 'e3', 'e4', 'e5']) await make(name, 'paged')
    const extra = await make('extra', 'zoo')
    const gone = (await findEnvironment(store.db, { organization: 'acme', project: 'paged', name: 'e4' }))!
    await deleteEnvironment(store.db, { id: gone.id, login: 'ada' })
    const bob = { login: 'bob', grantedBy: 'ada', level: 'read' } as const
    expect((await listEnvironments(store.db, { login: 'bob' })).environments).toEqual([])
    await giveGrant(store.db, { ...bob, scope: { organization: 'acme', project: 'paged' } })
    await giveGrant(store.db, {
      ...bob,
      scope: { organization: 'acme', project: 'zoo', environmentId: extra.id },
    })
    const names: string[] = []
    let token = ''
    do {
      const page = await listEnvironments(store.db, { login: 'bob', organization: 'acme', limit: 2, token })
      names.push(...page.environments.map((environment) => environment.name))
      token = page.nextToken ?? ''
    } while (token !== '')
    expect(names).toEqual(['e1', 'e2', 'e3', 'e5', 'extra'])
    expect((await listEnvironments(store.db, { login: 'bob', organization: 'other' })).environments).toEqual(
      [],
    )
  })
  test.each(['x', 'W10', Buffer.from('["a"]').toString('base64url')])(
    'refuses the page token %s',
    async (token) => {
      await expect(listEnvironments(store.db, { login: 'ada', token })).rejects.toSatisfy(refused('invalid'))
    },
  )
})
