import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findCaller } from '../../store/callers.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { preparedName } from '../../store/prepared-client.ts'
import { createToken } from '../../store/tokens.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
let db: Database
beforeAll(async () => {
  store = await freshStore()
  // One connection: what is prepared shows where it was prepared.
  db = connectDatabase(store.url, { maxConnections: 1 })
})
afterAll(async () => {
  await db.destroy()
  await store.close()
})

const prepared = async (like: string): Promise<number> => {
  const { rows } = await sql<{ count: string }>`
    select count(*) from pg_prepared_statements where statement like ${`%${like}%`}`.execute(db)
  return Number(rows[0]?.count)
}

test('a statement that comes again is prepared, and answers as before', async () => {
  for (const number of [1, 2, 3, 4, 5, 6, 7]) {
    const { rows } = await sql`select ${number}::int + 1 as again_and_again`.execute(db)
    expect(rows).toEqual([{ again_and_again: number + 1 }])
  }
  expect(await prepared('as again_and_again')).toBe(1)
})

test('one that fails goes on to say why, and to work with other values', async () => {
  const divide = (by: number) => sql<{ part: number }>`select 6 / ${by}::int as part`.execute(db)
  for (const by of [1, 2, 3, 6]) expect((await divide(by)).rows).toEqual([{ part: 6 / by }])
  await expect(divide(0)).rejects.toMatchObject({ code: '22012' })
  expect((await divide(2)).rows).toEqual([{ part: 3 }])
})

test('one that yields all columns is not: a migration would break it on connections that are open', async () => {
  await sql`create table grows (id int primary key)`.execute(db)
  const read = async () => (await sql`select * from grows where id > ${0}`.execute(db)).rows
  const write = async (id: number) =>
    (await sql`insert into grows (id) values (${id}) returning *`.execute(db)).rows
  for (const id of [1, 2, 3, 4]) await write(id)
  for (let times = 0; times < 5; times += 1) await read()
  await sql`alter table grows add column more text default 'more'`.execute(db)
  expect(await read()).toContainEqual({ id: 1, more: 'more' })
  expect(await write(9)).toEqual([{ id: 9, more: 'more' }])
})

test('what every request asks is planned once, for however many it is asked', async () => {
  const { token } = await createToken(db, { login: 'ada', name: 'test' })
  const asked = { organization: 'acme', project: 'app', name: 'any' }
  for (let times = 1; times <= 12; times += 1)
    await Promise.all(
      Array.from({ length: times }, (_, at) =>
        findCaller(db, token.reveal(), { ...asked, name: `any-${at}` }),
      ),
    )
  const { rows } = await sql<{ once: string; anew: string }>`
    select generic_plans as once, custom_plans as anew from pg_prepared_statements
    where statement like ${'%access_tokens t on t.hash%'} and statement not like ${'%pg_prepared_statements%'}`.execute(
    db,
  )
  // PostgreSQL tries five times whether a plan for just these values is better.
  expect(rows).toEqual([{ once: expect.any(String), anew: '5' }])
  expect(Number(rows[0]!.once)).toBeGreaterThan(0)
})

test('those of any length do not fill the server', () => {
  const listed = (length: number) => {
    const text = `select 1 where 1 in (${Array.from({ length }, (_, at) => `$${at + 1}`).join(', ')})`
    return [1, 2, 3].map(() => preparedName(text)).at(-1)
  }
  const names = Array.from({ length: 400 }, (_, at) => listed(at + 1)).filter((name) => name !== undefined)
  expect(new Set(names).size).toBeLessThanOrEqual(200)
  expect(preparedName('select $1')).toBeUndefined()
})
