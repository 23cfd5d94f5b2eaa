/** What the managing user finds out before anything is changed, and that names of any kind survive. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgres } from '../../../rotators/postgres.ts'
import type { PostgresCredential, PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { targetDatabase, uniqueName } from '../../support/servers.ts'
import type { TargetDatabase } from '../../support/servers.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'

const quote = pg.escapeIdentifier

let target: TargetDatabase
const extra: string[] = []

beforeAll(async () => {
  target = await targetDatabase()
})
afterAll(async () => {
  for (const name of extra) await target.admin(`drop role if exists ${quote(name)}`)
  await target.drop()
})

function inputsFor(managing: PostgresCredential, first: string, second = 'another'): PostgresInputs {
  const { host, port, database } = target
  return {
    database: { host, port, database, managingUser: managing },
    rotateUsers: { username1: first, username2: second },
  }
}

async function role(
  options: string,
  name = uniqueName('role'),
  adminFor = target.managing.username,
): Promise<string> {
  extra.unshift(name)
  await target.admin(`create role ${quote(name)} ${options}`)
  await target.admin(`grant ${quote(name)} to ${quote(adminFor)} with admin option, inherit false, set false`)
  return name
}

const prepare = (name: string, managing = target.managing) =>
  postgres.prepare(inputsFor(managing, name), NOTHING_YET, limits())

describe('preflight', () => {
  test('a user that is not there', async () => {
    const failure = await failureOf(prepare('nobody-here'), 'TARGET_NOT_FOUND')
    expect(failure.message).toContain('"nobody-here" does not exist')
  })

  test.for([
    ['nologin', /may not log in.*ALTER ROLE ".+" LOGIN/],
    ["login valid until '2001-01-01'", /has expired.*VALID UNTIL/],
    ['login connection limit 0', /connection limit of 0/],
  ] as const)('a user made with: %s', async ([options, words]) => {
    const failure = await failureOf(prepare(await role(options)), 'TARGET_NOT_FOUND')
    expect(failure.message).toMatch(words)
  })

  test.for(["login valid until '2999-01-01'", "login valid until 'infinity'", 'login replication'])(
    'fine: %s',
    async (options) => {
      const name = await role(options)
      expect((await prepare(name)).username).toBe(name)
    },
  )

  test('a superuser, which the managing user may not touch', async () => {
    const failure = await failureOf(prepare(await role('login superuser')), 'TARGET_DENIED')
    expect(failure.message).toContain('is a superuser')
  })

  test('a user that may not connect to this database', async () => {
    const name = await role('login')
    await target.admin(`revoke connect on database ${target.database} from public`)
    try {
      const failure = await failureOf(prepare(name), 'TARGET_DENIED')
      expect(failure.message).toContain(`GRANT CONNECT ON DATABASE "${target.database}" TO "${name}"`)
      const credential = { username: name, password: 'known' }
      await target.admin(`alter role ${name} password 'known'`)
      // It is let in and turned away at the database: that says nothing against the password.
      await failureOf(postgres.test(inputsFor(target.managing, name), credential, limits()), 'TARGET_DENIED')
    } finally {
      await target.admin(`grant connect on database ${target.database} to public`)
    }
  })

  test('a user that the managing user has no ADMIN OPTION on', async () => {
    const name = uniqueName('role')
    extra.push(name)
    await target.admin(`create role ${name} login`)
    const failure = await failureOf(prepare(name), 'TARGET_DENIED')
    expect(failure.message).toContain(`GRANT "${name}" TO "${target.managing.username}" WITH ADMIN OPTION`)
  })

  test('a managing user without CREATEROLE', async () => {
    const manager = { username: await role(`login password 'plain'`), password: 'plain' }
    const failure = await failureOf(
      prepare(await role('login', undefined, manager.username), manager),
      'TARGET_DENIED',
    )
    expect(failure.message).toContain(`ALTER ROLE "${manager.username}" CREATEROLE`)
  })

  test('a database that is not there', async () => {
    const inputs = inputsFor(target.managing, 'x')
    inputs.database.database = 'nowhere'
    const failure = await failureOf(postgres.prepare(inputs, NOTHING_YET, limits()), 'INPUT_INVALID')
    expect(failure.message).toContain('database.database')
  })

  test('a managing user that is out of connections', async () => {
    const password = randomUUID()
    const username = await role(`login createrole connection limit 1 password '${password}'`)
    const busy = new pg.Client({ connectionString: target.url({ username, password }) })
    await busy.connect()
    await failureOf(prepare('x', { username, password }), 'TARGET_THROTTLED', [password])
    await busy.end()
  })
})

describe('slots', () => {
  const of = (username: string) => ({ username, password: 'p' })
  test('the one that is not current; a state that knows neither is refused', async () => {
    const [one, two] = target.rotated.map((login) => login.username) as [string, string]
    const inputs = inputsFor(target.managing, one, two)
    const next = async (state: Parameters<typeof postgres.prepare>[1]) =>
      (await postgres.prepare(inputs, state, limits())).username
    expect(await next(NOTHING_YET)).toBe(one)
    expect(await next({ current: of(one), previous: null })).toBe(two)
    expect(await next({ current: of(two), previous: of(one) })).toBe(one)
    // Whatever previous says, current is never written.
    expect(await next({ current: of(two), previous: of(two) })).toBe(one)
    const stranger = { current: of('stranger'), previous: of(one) }
    const failure = await failureOf(postgres.prepare(inputs, stranger, limits()), 'STATE_INVALID')
    expect(failure.message).toContain('"stranger"')
    await failureOf(postgres.apply(inputs, of('stranger'), limits()), 'INPUT_INVALID')
  })
})

describe('awkward', () => {
  test.for([
    'Mixed Case',
    'with"quotes""inside',
    "o'brien; drop role x --",
    'back\\slash',
    'Übergrößenträger',
    '数据库用户',
    '😀',
    '$1',
    '%s',
    'a@b:c/d?e#f',
    'line\nbreak',
    'postgres ',
    'n'.repeat(63),
  ])('user name %j', async (name) => {
    await role('login', name)
    const inputs = inputsFor(target.managing, name)
    const state = { current: null, previous: null }
    const credential = await postgres.apply(inputs, await postgres.prepare(inputs, state, limits()), limits())
    expect(await postgres.test(inputs, credential, limits())).toBe('works')
    expect(await target.canLogIn(credential)).toBe(true)
    expect(await postgres.test(inputs, { ...credential, password: 'wrong' }, limits())).toBe('refused')
  })

  test.for(["'", '"\\', '$$', ' ', 'päß wörd', '😀', '%00', 'x'.repeat(900), '\u00a0nbsp', 'ﬁ'])(
    "managing user's password %j",
    async (password) => {
      const username = await role('login createrole')
      await target.admin(`alter role ${username} password ${pg.escapeLiteral(password)}`)
      const rotated = await role('login', undefined, username)
      expect((await prepare(rotated, { username, password })).username).toBe(rotated)
    },
  )

  test('a user that becomes another role once it has logged in', async () => {
    const owner = await role('nologin')
    const name = await role('login')
    await target.admin(`grant ${owner} to ${name}; alter role ${name} set role = '${owner}'`)
    const inputs = inputsFor(target.managing, name)
    const credential = await postgres.apply(inputs, await prepare(name), limits())
    expect(await postgres.test(inputs, credential, limits())).toBe('works')
  })

  test('settings of the managing user cannot get in the way', async () => {
    const password = randomUUID()
    const username = await role(`login createrole password '${password}'`)
    const name = await role('login', undefined, username)
    for (const setting of [
      'default_transaction_read_only = on',
      `search_path = ''`,
      'statement_timeout = 1000',
      `default_transaction_isolation = 'serializable'`,
      `client_encoding = 'LATIN1'`,
      `datestyle = 'German'`,
    ])
      await target.admin(`alter role ${username} set ${setting}`)
    const managing = { username, password }
    const inputs = inputsFor(managing, name)
    const credential = await postgres.apply(inputs, await prepare(name, managing), limits())
    expect(await postgres.test(inputs, credential, limits())).toBe('works')
  })

  test.for(['md5', 'scram-sha-256'])(
    'the verifier is of the kind that the server uses: %s',
    async (encryption) => {
      const password = randomUUID()
      const username = await role(`login createrole password '${password}'`)
      await target.admin(`alter role ${username} set password_encryption = '${encryption}'`)
      await target.admin(`alter role ${username} set scram_iterations = 5001`)
      const name = await role('login', undefined, username)
      const managing = { username, password }
      const credential = await postgres.apply(
        inputsFor(managing, name),
        await prepare(name, managing),
        limits(),
      )
      const [row] = await target.admin('select rolpassword from pg_authid where rolname = $1', [name])
      expect(row!.rolpassword).toMatch(encryption === 'md5' ? /^md5[0-9a-f]{32}$/ : /^SCRAM-SHA-256\$5001:/)
      // Only `md5` in pg_hba.conf lets md5 verifiers in, and this server demands SCRAM.
      const answer = encryption === 'md5' ? 'refused' : 'works'
      expect(await postgres.test(inputsFor(managing, name), credential, limits())).toBe(answer)
    },
  )
})

describe('refused or not known', () => {
  test('a user past its VALID UNTIL, or that may not log in, is refused with the right password', async () => {
    for (const [options, change] of [
      ["login valid until '2001-01-01'", "valid until 'infinity'"],
      ['nologin', 'login'],
    ] as const) {
      const username = await role(`${options} password 'right'`)
      const credential = { username, password: 'right' }
      const inputs = inputsFor(target.managing, username)
      expect(await postgres.test(inputs, credential, limits())).toBe('refused')
      await target.admin(`alter role ${username} ${change}`)
      expect(await postgres.test(inputs, credential, limits())).toBe('works')
    }
  })

  test('a user that has no password or does not exist is refused', async () => {
    const username = await role('login')
    const inputs = inputsFor(target.managing, username)
    expect(await postgres.test(inputs, { username, password: 'x' }, limits())).toBe('refused')
    expect(await postgres.test(inputs, { username: 'nobody-here', password: 'x' }, limits())).toBe('refused')
  })

  test('a user that is out of connections is not refused', async () => {
    const credential = { username: await role(`login connection limit 1 password 'p'`), password: 'p' }
    const busy = new pg.Client({ connectionString: target.url(credential) })
    await busy.connect()
    const inputs = inputsFor(target.managing, credential.username)
    await failureOf(postgres.test(inputs, credential, limits()), 'TARGET_THROTTLED')
    await busy.end()
  })
})
