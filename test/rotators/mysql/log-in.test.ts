/** What lets somebody in decides what a log-in proves. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { mysql } from '../../../rotators/mysql.ts'
import type { MysqlInputs } from '../../../rotators/mysql/schema.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'
import { accounts, canLogIn } from './fixture.ts'
import type { Accounts } from './fixture.ts'
import { ownMariadb } from './own-server.ts'

let server: Awaited<ReturnType<typeof ownMariadb>>
let fixture: Accounts
let made: Accounts[] = []

beforeAll(async () => {
  server = await ownMariadb({
    'general-log': '1',
    'general-log-file': 'general.log',
    'max-connections': '40',
    // Some let it call itself a MySQL, for the sake of old drivers.
    version: '8.0.36',
  })
})
afterAll(async () => {
  for (const each of made) await each.dispose()
  await server.stop()
})
beforeEach(async () => {
  fixture = await accounts(server)
  made.push(fixture)
})

const rotated = async (inputs: MysqlInputs = fixture.inputs) =>
  await mysql.apply(inputs, await mysql.prepare(inputs, NOTHING_YET, limits()), limits())
const user = (name: string, host = '%') => `'${name}'@'${host}'`

test('an anonymous account that comes first proves nothing, whatever password', async () => {
  const made = await rotated()
  await fixture.admin([
    `CREATE USER ''@'127.0.0.1'`,
    `GRANT SELECT ON ${fixture.database}.* TO ''@'127.0.0.1'`,
  ])
  try {
    // It has no password: only who gives none is let in, and whoever manages is not either.
    await failureOf(mysql.test(fixture.inputs, made, limits()), 'LOGIN_FAILED', [made.password])
    await fixture.admin(`ALTER USER ''@'127.0.0.1' IDENTIFIED BY '${made.password}'`)
    const failure = await failureOf(mysql.test(fixture.inputs, made, limits()), 'VERIFY_FAILED', [
      made.password,
    ])
    expect(failure.message).toMatch(/anonymous account.*DROP USER ''@/)
    expect(await mysql.test(fixture.inputs, { ...made, password: '' }, limits())).toBe('refused')
  } finally {
    await fixture.admin(`DROP USER ''@'127.0.0.1'`)
  }
  expect(await mysql.test(fixture.inputs, made, limits())).toBe('works')
})

test('app@10.% is not app@%: another account of that name that answers is not the one that was changed', async () => {
  const { one, inputs } = fixture
  await fixture.admin(`CREATE USER ${user(one.username, '127.0.0.%')} IDENTIFIED BY '${one.password}'`)
  await fixture.admin(`GRANT SELECT ON ${fixture.database}.* TO ${user(one.username, '127.0.0.%')}`)
  try {
    const failure = await failureOf(mysql.test(inputs, one, limits()), 'VERIFY_FAILED', fixture.secrets)
    expect(failure.message).toMatch(/another account of that name.*"%"/)
    const narrow = {
      ...inputs,
      rotateUsers: { ...inputs.rotateUsers, username1: `${one.username}@127.0.0.%` },
    }
    const made = await rotated(narrow)
    expect(made.username).toBe(one.username)
    expect(await mysql.test(narrow, made, limits())).toBe('works')
    const [wide] = await fixture.admin(
      `SELECT JSON_VALUE(Priv, '$.authentication_string') = PASSWORD('${one.password}') AS same FROM mysql.global_priv WHERE User = '${one.username}' AND Host = '%'`,
    )
    expect(wide).toEqual({ same: 1 })
    // As a person may have written it into the state.
    const spelled = { username: `${one.username}@127.0.0.%`, password: made.password }
    expect(await mysql.test(narrow, spelled, limits())).toBe('works')
    const next = await mysql.prepare(narrow, { current: spelled, previous: null }, limits())
    expect(next.username).toBe(fixture.two.username)
  } finally {
    await fixture.admin(`DROP USER ${user(one.username, '127.0.0.%')}`)
  }
})

test('a server that checks nobody proves nothing', async () => {
  const open = await ownMariadb({ 'init-file': undefined as never, 'skip-grant-tables': undefined }).catch(
    () => undefined,
  )
  expect(open, 'it starts').toBeDefined()
  try {
    const inputs = fixture.via({ host: open!.host, port: open!.port })
    const at = { ...inputs, database: { ...inputs.database, database: 'mysql' } }
    const failure = await failureOf(mysql.test(at, fixture.one, limits()), 'VERIFY_FAILED', fixture.secrets)
    expect(failure.message).toContain('--skip-grant-tables')
    await failureOf(
      mysql.prepare(at, NOTHING_YET, limits()),
      ['VERIFY_FAILED', 'TARGET_DENIED'],
      fixture.secrets,
    )
  } finally {
    await open!.stop()
  }
})

test.for([
  ['account lock', /locked.*ACCOUNT UNLOCK/, 'TARGET_NOT_FOUND'],
  ['password expire', /expired.*PASSWORD EXPIRE NEVER/, 'TARGET_DENIED'],
  ['identified via unix_socket', /something else than a password/, 'VERIFY_FAILED'],
] as const)(
  'what keeps a user out is told, and never taken for a wrong password: %s',
  async ([how, words, code]) => {
    const { one, managing, inputs, secrets } = fixture
    await fixture.admin(`ALTER USER ${user(one.username)} ${how}`)
    const failure = await failureOf(mysql.test(inputs, one, limits()), code, secrets)
    expect(failure.message).toMatch(words)
    await fixture.admin(`ALTER USER ${user(managing.username)} ${how}`)
    await failureOf(mysql.prepare(inputs, NOTHING_YET, limits()), 'LOGIN_FAILED', secrets)
  },
)

test('a refused log-in is explained where the account tells why', async () => {
  const { one, inputs } = fixture
  expect(await mysql.whyRefused!(inputs, one, limits())).toBeUndefined()
  await fixture.admin(`ALTER USER ${user(one.username)} REQUIRE SSL`)
  expect(await mysql.test(inputs, one, limits())).toBe('refused')
  expect(await mysql.whyRefused!(inputs, one, limits())).toMatch(/REQUIRE SSL.*verify-full/)
})

test('blocked after failed log-ins: told as that, not as a wrong password', async () => {
  const { one, inputs, secrets } = fixture
  await fixture.admin('SET GLOBAL max_password_errors = 2')
  try {
    const wrong = { ...one, password: 'wrong' }
    for (const _ of [1, 2]) expect(await mysql.test(inputs, wrong, limits())).toBe('refused')
    const failure = await failureOf(mysql.test(inputs, one, limits()), 'TARGET_DENIED', secrets)
    expect(failure.message).toMatch(/blocked.*failed log-ins.*FLUSH PRIVILEGES/)
  } finally {
    await fixture.admin(['SET GLOBAL max_password_errors = DEFAULT', 'FLUSH PRIVILEGES'])
  }
  expect(await mysql.test(inputs, one, limits())).toBe('works')
})

test('no connection left for the user: later', async () => {
  const { one, inputs, secrets } = fixture
  await fixture.admin(`ALTER USER ${user(one.username)} WITH MAX_CONNECTIONS_PER_HOUR 1`)
  expect(await mysql.test(inputs, one, limits())).toBe('works')
  await failureOf(mysql.test(inputs, one, limits()), 'TARGET_THROTTLED', secrets)
})

test('a server that ends every session at its beginning', async () => {
  await fixture.admin(`SET GLOBAL init_connect = 'SELECT no_such'`)
  try {
    for (const work of [
      mysql.prepare(fixture.inputs, NOTHING_YET, limits()),
      mysql.test(fixture.inputs, fixture.one, limits()),
    ])
      expect((await failureOf(work, 'TARGET_UNREACHABLE', fixture.secrets)).message).toContain('init_connect')
  } finally {
    await fixture.admin(`SET GLOBAL init_connect = ''`)
  }
})

test('a database that does not exist, or in which the user has no privilege', async () => {
  const { one, inputs, secrets } = fixture
  await fixture.admin(`REVOKE ALL PRIVILEGES ON ${fixture.database}.* FROM ${user(one.username)}`)
  await failureOf(mysql.test(inputs, one, limits()), 'TARGET_DENIED', secrets)
  await fixture.admin(`GRANT SELECT ON *.* TO ${user(one.username)}`)
  const nowhere = { ...inputs, database: { ...inputs.database, database: 'no_such' } }
  const failure = await failureOf(mysql.test(nowhere, one, limits()), 'INPUT_INVALID', secrets)
  expect(failure.message).toContain('database.database')
})

test('the plugin of an account stays, and no password is in the log of the server', async () => {
  await fixture.admin(`INSTALL SONAME 'auth_ed25519'`)
  const ed = await accounts(server, (password) => `IDENTIFIED VIA ed25519 USING PASSWORD('${password}')`)
  const socket = await accounts(
    server,
    (password) => `IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('${password}')`,
  )
  made.push(ed, socket)
  const log = join(server.folder, 'mariadb', 'general.log')
  const before = (await readFile(log, 'utf8')).length
  for (const [each, shown] of [
    [fixture, /IDENTIFIED BY PASSWORD/],
    [ed, /VIA ed25519/],
    [socket, /VIA unix_socket OR mysql_native_password/],
  ] as const) {
    expect(await mysql.test(each.inputs, each.one, limits())).toBe('works')
    const credential = await rotated(each.inputs)
    expect(await mysql.test(each.inputs, credential, limits())).toBe('works')
    expect(await mysql.test(each.inputs, each.one, limits())).toBe('refused')
    const [row] = await fixture.admin(`SHOW CREATE USER ${user(credential.username)}`)
    expect(String(Object.values(row!)[0])).toMatch(shown)
    const written = (await readFile(log, 'utf8')).slice(before)
    expect(written).toContain(`ALTER USER '${credential.username}'@'%' IDENTIFIED VIA`)
    for (const secret of [...each.secrets.slice(0, 3), credential.password]) {
      // Those that the test itself has typed excepted.
      const lines = written.split('\n').filter((line) => line.includes(secret) && !/CREATE USER/.test(line))
      expect(lines).toEqual([])
    }
  }
})

test('a password policy of the server is asked with the password, and takes those that are generated', async () => {
  await fixture.admin([
    `INSTALL SONAME 'simple_password_check'`,
    'SET GLOBAL simple_password_check_minimal_length = 40',
  ])
  try {
    for (let round = 0; round < 3; round++) {
      const credential = await rotated()
      expect(await canLogIn(server, credential)).toBe(true)
    }
    await fixture.admin('SET GLOBAL simple_password_check_minimal_length = 60')
    await failureOf(rotated(), 'TARGET_REJECTED_VALUE', fixture.secrets)
  } finally {
    await fixture.admin(`UNINSTALL SONAME 'simple_password_check'`)
  }
})

test.for([
  `o'brien`,
  `q"uote`,
  'back\\slash',
  `\\'; DROP USER x; --`,
  'back`tick',
  'per%cent_',
  'at@sign',
  'ümläut 日本',
  '--',
])('a user named %s, whatever the SQL mode of the server', async (awkward) => {
  const { inputs, admin, database } = fixture
  const quoted = `'${awkward.replaceAll("'", "''").replaceAll('\\', '\\\\')}'@'%'`
  await admin([
    `CREATE USER ${quoted} IDENTIFIED BY 'first'`,
    `GRANT SELECT ON ${database}.* TO ${quoted}`,
    `SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',NO_BACKSLASH_ESCAPES,ANSI_QUOTES')`,
  ])
  const at = { ...inputs, rotateUsers: { ...inputs.rotateUsers, username1: `${awkward}@%` } }
  try {
    expect(await mysql.test(at, { username: awkward, password: 'first' }, limits())).toBe('works')
    const credential = await rotated(at)
    expect(credential.username).toBe(awkward)
    await admin('SET GLOBAL sql_mode = DEFAULT')
    expect(await mysql.test(at, credential, limits())).toBe('works')
    await mysql.rehearse!(at, { current: credential, previous: null }, limits())
    expect((await rotated(at)).password).not.toBe(credential.password)
    expect(await mysql.test(at, credential, limits())).toBe('refused')
  } finally {
    await admin([`SET GLOBAL sql_mode = DEFAULT`, `DROP USER ${quoted}`])
  }
})

test('awkward passwords of people: the managing user has one', async () => {
  const { inputs, managing, admin } = fixture
  const password = `p@ss/w:rd%'"\\\`; ü 日本 ${managing.password}`
  await admin(
    `ALTER USER ${user(managing.username)} IDENTIFIED BY '${password.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`,
  )
  const at = { ...inputs, database: { ...inputs.database, managingUser: { ...managing, password } } }
  expect(await mysql.test(at, await rotated(at), limits())).toBe('works')
})
