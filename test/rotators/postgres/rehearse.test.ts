/** What the dry run of `postgres` finds out on a real server: differences between the two users, and what it leaves. */
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { postgres } from '../../../rotators/postgres.ts'
import type { PostgresInputs } from '../../../rotators/postgres/schema.ts'
import type { Rehearsal } from '../../../rotators/rotator.ts'
import { heldIn, snapshotOf } from '../../support/postgres-snapshot.ts'
import { targetDatabase, type TargetDatabase } from '../../support/servers.ts'
import { NOTHING_YET, limits } from '../contract/bench.ts'

let target: TargetDatabase
let inputs: PostgresInputs
let [one, two] = ['', '']

beforeEach(async () => {
  target = await targetDatabase()
  const { host, port, database, managing: managingUser } = target
  ;[one, two] = target.rotated.map(({ username }) => username) as [string, string]
  inputs = {
    database: { host, port, database, managingUser },
    rotateUsers: { username1: one, username2: two },
  }
})
afterEach(() => target.drop())

/** The first user is current, hence the second one would be written. */
async function rehearse(): Promise<Rehearsal> {
  const state = { current: target.rotated[0], previous: null }
  return await postgres.rehearse!(inputs, state, limits({ sendBy: 0 }))
}

test('two users who are alike: nothing to warn about', async () => {
  await target.admin('create table t (a int); create function f() returns int language sql as $$select 1$$')
  await target.admin(`grant select on t to ${one}, ${two}`)
  expect(await rehearse()).toEqual({ writes: `user "${two}"`, first: [], warnings: [] })
  expect(await postgres.rehearse!(inputs, NOTHING_YET, limits())).toMatchObject({ writes: `user "${one}"` })
})

test.for<[string, string[], RegExp]>([
  ['superuser', ['alter role :two createdb'], /"\w+_b" has CREATEDB, and user "\w+_a" does not/],
  ['bypassrls', ['alter role :one bypassrls'], /"\w+_a" has BYPASSRLS, and user "\w+_b" does not/],
  ['inherit', ['alter role :two noinherit'], /"\w+_a" has INHERIT, and user "\w+_b" does not/],
  [
    'connection limit',
    ['alter role :two connection limit 3'],
    /connection limits differ: 3 for user "\w+_b", none for user "\w+_a"/,
  ],
  [
    'valid until',
    [`alter role :two valid until '2099-01-01'`],
    /"\w+_b" is valid until 2099-01-01\S* \S+, user "\w+_a" for ever/,
  ],
  ['search_path', ['alter role :one set search_path = app'], /settings differ .*: search_path/],
  [
    'a setting in this database',
    [`alter role :two in database :db set app.token = 'sesame-42'`],
    /settings differ .*: app\.token,/,
  ],
  [
    'membership',
    ['create role :db_owners', 'grant :db_owners to :one'],
    /"\w+_a" is a member of roles that user "\w+_b" is not.*after this rotation: "\w+_owners"/,
  ],
  [
    'membership through another role',
    ['create role :db_owners', 'create role :db_owners_too role :db_owners', 'grant :db_owners to :one'],
    /"\w+_a" is a member of roles.*: "\w+_owners", "\w+_owners_too"/,
  ],
  [
    'membership without acting as the role',
    ['create role :db_owners', 'grant :db_owners to :one', 'grant :db_owners to :two with set false'],
    /"\w+_a" is a member of roles that user "\w+_b" is not, inherits from them, may act as them/,
  ],
  [
    'the other way round',
    ['create role :db_owners', 'grant :db_owners to :two'],
    /"\w+_b" is a member of roles.*after the one that follows/,
  ],
  [
    'table',
    ['create table orders (a int)', 'grant select, insert on orders to :one'],
    /"\w+_a" has privileges that user "\w+_b" lacks.*: INSERT on table public\.orders, SELECT on table public\.orders/,
  ],
  [
    'column',
    ['create table orders (a int, b int)', 'grant select (b) on orders to :one'],
    /SELECT on some columns on table public\.orders/,
  ],
  ['schema', ['create schema app', 'grant usage on schema app to :one'], /USAGE on schema app/],
  ['database', ['grant create on database :db to :one'], /CREATE on database/],
  ['sequence', ['create sequence s', 'grant usage on sequence s to :one'], /USAGE on sequence public\.s/],
  [
    'function',
    [
      'create function f() returns int language sql as $$select 1$$',
      'revoke execute on function f from public',
      'grant execute on function f to :one',
    ],
    /EXECUTE on function public\.f/,
  ],
  [
    'owner',
    ['create table mine (a int)', 'alter table mine owner to :one'],
    /"\w+_a" owns what user "\w+_b" does not.*: public\.mine/,
  ],
  [
    'default privileges',
    ['alter default privileges in schema public grant select on tables to :one'],
    /SELECT \(r\) on default privileges schema public of/,
  ],
  [
    'policy',
    ['create table t (a int)', 'create policy p on t to :one using (true)'],
    /APPLIES on row security policy p on public\.t/,
  ],
])('a difference is told: %s', async ([, statements, words]) => {
  const fill = (text: string) =>
    text.replaceAll(':one', one).replaceAll(':two', two).replaceAll(':db', target.database)
  for (const statement of statements) await target.admin(fill(statement))
  const before = await snapshotOf(target)
  try {
    const { warnings } = await rehearse()
    expect(warnings.join('\n')).toMatch(words)
    expect(warnings.join('\n')).not.toContain('sesame')
    expect(await snapshotOf(target)).toEqual(before)
  } finally {
    if (statements[0]!.includes('_owners'))
      await target.admin(`drop role if exists ${target.database}_owners_too, ${target.database}_owners`)
    await target.admin(`drop owned by ${one}, ${two}`)
  }
})

test('the other user, whom the next but one rotation writes, is looked at too', async () => {
  await target.admin(`alter role ${one} nologin`)
  const { warnings } = await rehearse()
  expect(warnings.join('\n')).toMatch(
    /the rotation after this one would fail with TARGET_NOT_FOUND: .*may not log in/,
  )
})

test('many differences are counted, not listed; very many objects are compared in time', async () => {
  await target.admin(
    `do $$ begin for i in 1..2000 loop execute format('create table t%s (a int)', i); end loop; end $$`,
  )
  await target.admin(`grant select on all tables in schema public to ${one}`)
  const startedAt = performance.now()
  const { warnings } = await rehearse()
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/ and (\d+|many) more$/)
  expect(warnings[0]!.length).toBeLessThan(600)
  await target.admin(`drop owned by ${one}`)
})

test('no lock and no transaction stays: the very next change goes through at once, ten times', async () => {
  const client = new pg.Client({ connectionString: target.url(target.managing) })
  await client.connect()
  await client.query(`set lock_timeout = 200`)
  for (let round = 0; round < 10; round++) {
    await rehearse()
    await client.query(`alter role ${pg.escapeIdentifier(two)} connection limit ${round + 10}`)
  }
  await client.end()
  await expect.poll(() => heldIn(target)).toEqual([])
})
