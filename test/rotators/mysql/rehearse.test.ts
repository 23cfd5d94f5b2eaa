/** What is found out before a rotation: who may change what, and how the two users differ. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { mysql } from '../../../rotators/mysql.ts'
import { noGrants, readGrant } from '../../../rotators/mysql/grants.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'
import { accounts } from './fixture.ts'
import type { Accounts } from './fixture.ts'
import { ownMariadb } from './own-server.ts'

let server: Awaited<ReturnType<typeof ownMariadb>>
let fixture: Accounts

beforeAll(async () => {
  server = await ownMariadb()
})
afterAll(() => server.stop())
beforeEach(async () => {
  fixture = await accounts(server)
  return () => fixture.dispose()
})

const rehearse = () => mysql.rehearse!(fixture.inputs, NOTHING_YET, limits({ sendBy: 0 }))

test('two users that are alike: nothing to say', async () => {
  expect(await rehearse()).toEqual({ writes: `user "${fixture.one.username}@%"`, first: [], warnings: [] })
})

test.for<[string, string[], RegExp]>([
  [
    'privilege',
    [`GRANT DELETE ON :db.* TO :two`],
    /has privileges that user "\w+_a@%" lacks.*after this rotation: DELETE on `target_\w+`\.\*/,
  ],
  [
    'the other way round',
    [`GRANT DELETE ON :db.* TO :one`],
    /has privileges that user "\w+_b@%" lacks.*after the one that follows/,
  ],
  [
    'column',
    [`CREATE TABLE :db.orders (a INT, b INT)`, `GRANT UPDATE (a, b) ON :db.orders TO :two`],
    /UPDATE \(`?a`?, `?b`?\) on/,
  ],
  ['global', [`GRANT PROCESS ON *.* TO :two`], /PROCESS on \*\.\*/],
  ['grant option', [`GRANT SELECT ON :db.* TO :two WITH GRANT OPTION`], /GRANT OPTION on/],
  ['role', [`CREATE ROLE :role`, `GRANT :role TO :two`], /has roles that user "\w+_a@%" has not/],
  [
    'limit',
    [`ALTER USER :two WITH MAX_USER_CONNECTIONS 3`],
    /limits or TLS demands .* differ: MAX_USER_CONNECTIONS 3/,
  ],
  [
    'lock of the other one',
    [`ALTER USER :two ACCOUNT LOCK`],
    /the rotation after this one would fail with TARGET_NOT_FOUND: .*locked/,
  ],
  ['a password that expires', [`ALTER USER :one PASSWORD EXPIRE INTERVAL 30 DAY`], /expires 30 days after/],
])('a difference is told, without a hash: %s', async ([, statements, words]) => {
  const names = {
    ':db': fixture.database,
    ':one': `'${fixture.one.username}'@'%'`,
    ':two': `'${fixture.two.username}'@'%'`,
    ':role': `${fixture.database}_role`,
  }
  const fill = (text: string) =>
    Object.entries(names).reduce((filled, [key, name]) => filled.replaceAll(key, name), text)
  await fixture.admin(statements.map(fill))
  const before = await fixture.snapshot()
  const { warnings } = await rehearse()
  expect(warnings.join('\n')).toMatch(words)
  expect(warnings.join('\n')).not.toMatch(/\*[0-9A-F]{40}|IDENTIFIED/)
  expect(await fixture.snapshot()).toEqual(before)
  if (statements[0]!.includes(':role')) await fixture.admin(fill('DROP ROLE :role'))
})

test.for<[string, string[], number]>([
  ['all there is beside a part of it', [`GRANT ALL ON :db.* TO :two`], 1],
  [
    'by a role that it always has',
    [
      `CREATE ROLE :role`,
      `GRANT SELECT, INSERT ON :db.* TO :role`,
      `GRANT :role TO :two`,
      `SET DEFAULT ROLE :role FOR :two`,
      `REVOKE SELECT, INSERT ON :db.* FROM :two`,
    ],
    0,
  ],
  [
    'in one table beside the whole database',
    [`CREATE TABLE :db.orders (a INT)`, `GRANT SELECT ON :db.orders TO :two`],
    0,
  ],
])('the same by another way is no difference: %s', async ([, statements, differences]) => {
  const { one, two, database, admin } = fixture
  const role = `${database}_role`
  const names: [RegExp, string][] = [
    [/:db/g, database],
    [/:one/g, `'${one.username}'@'%'`],
    [/:two/g, `'${two.username}'@'%'`],
    [/:role/g, role],
  ]
  await admin(
    statements.map((text) => names.reduce((filled, [key, name]) => filled.replace(key, name), text)),
  )
  const { warnings } = await rehearse()
  expect(warnings.filter((words) => words.includes('privileges'))).toHaveLength(differences)
  if (statements.join().includes(':role')) {
    await admin(`DROP ROLE ${role}`)
    // It is still the default of somebody, and no longer there.
    expect((await rehearse()).warnings.join()).toMatch(/INSERT on .*SELECT on /)
  }
})

test('that a password expires is said of a rotation as well', async () => {
  await fixture.admin(`ALTER USER '${fixture.one.username}'@'%' PASSWORD EXPIRE INTERVAL 30 DAY`)
  const told: string[] = []
  await mysql.prepare(fixture.inputs, NOTHING_YET, limits({ warn: (words) => void told.push(words) }))
  expect(told).toEqual([expect.stringContaining('expires 30 days after') as string])
})

test('whoever may change users and see nothing can rotate all the same, and is told what could not be seen', async () => {
  const { managing, inputs, admin } = fixture
  await admin(`REVOKE SELECT ON mysql.* FROM '${managing.username}'@'%'`)
  const { warnings } = await rehearse()
  expect(warnings.join('\n')).toMatch(/could not be seen.*GRANT SELECT ON mysql/)
  expect(warnings.join('\n')).toMatch(/could not be compared/)
  const made = await mysql.apply(inputs, await mysql.prepare(inputs, NOTHING_YET, limits()), limits())
  expect(await mysql.test(inputs, made, limits())).toBe('works')
  const missing = { ...inputs, rotateUsers: { ...inputs.rotateUsers, username1: 'no_such' } }
  const prepared = await mysql.prepare(missing, NOTHING_YET, limits())
  await failureOf(mysql.apply(missing, prepared, limits()), 'TARGET_NOT_FOUND', fixture.secrets)
})

test.for<[string, string, string, RegExp]>([
  ['missing', `RENAME USER :one TO 'away'@'%'`, 'TARGET_NOT_FOUND', /does not exist.*CREATE USER/],
  ['at another host', `RENAME USER :one TO 'away'@'10.%'`, 'TARGET_NOT_FOUND', /host part/],
  ['locked', 'ALTER USER :one ACCOUNT LOCK', 'TARGET_NOT_FOUND', /locked.*ACCOUNT UNLOCK/],
  [
    'without a password',
    'ALTER USER :one IDENTIFIED VIA unix_socket',
    'TARGET_NOT_FOUND',
    /unix_socket.*IDENTIFIED VIA/,
  ],
  ['read-only', 'SET GLOBAL read_only = 1', 'TARGET_UNREACHABLE', /read-only.*primary/],
])('refused before anything is changed: %s', async ([, statement, code, words]) => {
  const one = `'${fixture.one.username}'@'%'`
  const before = await fixture.snapshot()
  await fixture.admin(statement.replace(':one', one))
  try {
    const failure = await failureOf(
      mysql.prepare(fixture.inputs, NOTHING_YET, limits()),
      code as 'TARGET_DENIED',
      fixture.secrets,
    )
    expect(failure.message).toMatch(words)
  } finally {
    await fixture.admin('SET GLOBAL read_only = 0')
    const host = statement.includes('10.%') ? '10.%' : '%'
    if (statement.startsWith('RENAME')) await fixture.admin(`RENAME USER 'away'@'${host}' TO ${one}`)
  }
  if (statement.startsWith('RENAME') || statement.startsWith('SET'))
    expect(await fixture.snapshot()).toEqual(before)
})

test('a server that became a replica since it was looked at is sent nothing, also by whoever may write there', async () => {
  const { inputs, managing, admin, snapshot } = fixture
  await admin(`GRANT READ_ONLY ADMIN ON *.* TO '${managing.username}'@'%'`)
  const prepared = await mysql.prepare(inputs, NOTHING_YET, limits())
  const before = await snapshot()
  await admin('SET GLOBAL read_only = 1')
  try {
    const failure = await failureOf(mysql.apply(inputs, prepared, limits()), 'TARGET_UNREACHABLE')
    expect(failure.unchanged).toBe(true)
    expect(await snapshot()).toEqual(before)
  } finally {
    await admin('SET GLOBAL read_only = 0')
  }
})

test('an expired password of the user whose turn it is does no harm', async () => {
  const { inputs, one, admin } = fixture
  await admin(`ALTER USER '${one.username}'@'%' PASSWORD EXPIRE`)
  const made = await mysql.apply(inputs, await mysql.prepare(inputs, NOTHING_YET, limits()), limits())
  expect(await mysql.test(inputs, made, limits())).toBe('works')
})

test('grants of MySQL read as those of MariaDB do', () => {
  const grants = noGrants()
  for (const line of [
    'GRANT USAGE ON *.* TO `app`@`%`',
    'GRANT SELECT, INSERT ON `shop`.* TO `app`@`%` WITH GRANT OPTION',
    'GRANT SELECT (`a`, `b`), UPDATE ON `shop`.`or TO ders` TO `app`@`10.%`',
    'REVOKE SELECT ON `mysql`.* FROM `app`@`%`',
    'GRANT BACKUP_ADMIN,AUDIT_ADMIN ON *.* TO `app`@`%`',
    'GRANT `reader`@`%`,`wri,ter`@`%` TO `app`@`%`',
    'GRANT `owner` TO `app`@`%` WITH ADMIN OPTION',
    'SET DEFAULT ROLE `owner` FOR `app`@`%`',
    "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*00' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3",
  ])
    readGrant(line, grants)
  const texts = (list: typeof grants.privileges) =>
    list.map(({ privilege, object }) => `${privilege} on ${object}`)
  expect(texts(grants.privileges)).toEqual([
    'SELECT on `shop`.*',
    'INSERT on `shop`.*',
    'GRANT OPTION on `shop`.*',
    'SELECT (`a`, `b`) on `shop`.`or TO ders`',
    'UPDATE on `shop`.`or TO ders`',
    'BACKUP_ADMIN on *.*',
    'AUDIT_ADMIN on *.*',
  ])
  expect(texts(grants.restrictions)).toEqual(['SELECT on `mysql`.*'])
  expect([...grants.roles]).toEqual(['`reader`@`%`', '`wri,ter`@`%`', '`owner`', '`owner` with admin option'])
  expect([...grants.defaults]).toEqual(['`owner`'])
  expect([...grants.limits]).toEqual(['REQUIRE SSL', 'MAX_USER_CONNECTIONS 3'])
})
