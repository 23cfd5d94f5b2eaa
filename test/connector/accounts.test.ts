/** Events of existing callers at a MariaDB: accounts by every name, those that are no business of ours, and a function whose time runs out. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { handler } from '../../connector/handler.ts'
import type { RotationFailure } from '../../model/failures.ts'
import { mysql } from '../../rotators/mysql.ts'
import { failureOf, limits, NOTHING_YET } from '../rotators/contract/bench.ts'
import { accounts, canLogIn, type Accounts } from '../rotators/mysql/fixture.ts'
import { ownMariadb } from '../rotators/mysql/own-server.ts'

const PASSWORD = 'Of-the-application-1'
let server: Awaited<ReturnType<typeof ownMariadb>>
let fixture: Accounts

beforeAll(async () => {
  server = await ownMariadb()
  fixture = await accounts(server)
  await fixture.admin(`INSTALL SONAME 'auth_ed25519'`)
})
afterAll(async () => await server?.stop())

async function change(username: string, more: object = {}, remaining = 30_000): Promise<string> {
  const { host, port, database, managingUser } = fixture.inputs.database
  const rotateUser = { username, password: '', newPassword: PASSWORD }
  const event = { type: 'mysql', host, port, database, managingUser, rotateUser, ...more }
  return (await handler(event, { getRemainingTimeInMillis: () => remaining })).message
}

const make = async (account: string, identified: string) =>
  await fixture.admin([
    `CREATE USER ${account} IDENTIFIED ${identified}`,
    `GRANT SELECT ON ${fixture.database}.* TO ${account}`,
  ])

async function kept(username: string): Promise<unknown> {
  const [row] = await fixture.admin(`SELECT Priv FROM mysql.global_priv WHERE User = '${username}'`)
  const { password_last_changed: _, ...priv } = row!['Priv'] as Record<string, unknown>
  return priv
}

test.for(['app_user_', 'short@127.%', 'rekey_other_1', 'täglich@127.0.0.1'])(
  'any name is one that can be given a password: %s',
  async (text) => {
    const [name, host = '%'] = text.split('@')
    await make(`'${name}'@'${host}'`, `BY 'before'`)
    expect(await change(text)).toBe('ok')
    expect(await canLogIn(server, { username: name!, password: PASSWORD })).toBe(true)
  },
)

test.for([
  ['two_ways', `VIA mysql_native_password USING PASSWORD('one') OR ed25519 USING PASSWORD('two')`],
  ['by_system', `VIA unix_socket USING 'postgres'`],
])(
  'an account that logs in by more than one password, or by none, stays as it is: %s',
  async ([name, by]) => {
    await make(`${name}@'%'`, by!)
    const before = await kept(name!)
    expect(await change(name!)).toMatch(/^TARGET_NOT_FOUND: .*does not log in with a password/)
    expect(await kept(name!)).toEqual(before)
  },
)

test('whoever the operating system lets in beside the password stays who it is', async () => {
  const ways = [`VIA mysql_native_password USING PASSWORD('one') OR unix_socket USING 'o''brien'`]
  ways.push(`VIA unix_socket OR mysql_native_password USING PASSWORD('one')`)
  for (const [index, by] of ways.entries()) {
    const name = `beside_${index}`
    await make(`${name}@'%'`, by)
    const before = (await kept(name)) as Record<string, unknown>
    const inputs = { ...fixture.inputs, rotateUsers: { username1: name, username2: fixture.two.username } }
    const prepared = await mysql.prepare(inputs, NOTHING_YET, limits())
    await mysql.apply(inputs, prepared, limits())
    expect(await mysql.test(inputs, prepared, limits())).toBe('works')
    const after = (await kept(name)) as Record<string, unknown>
    expect(after['auth_or']).toEqual(before['auth_or'])
  }
})

test('a lock of our name keeps off sessions of the same managing user alone, and never the one who rotates', async () => {
  const { one, two, managing, inputs } = fixture
  const prepared = await mysql.prepare(inputs, NOTHING_YET, limits())
  const name = createHash('sha256').update(`${one.username}@%`).digest('hex').slice(0, 40)
  const { host, port } = server
  for (const [{ username: user, password }, ends] of [
    [managing, 'TARGET_THROTTLED'],
    [two, 'changed'],
  ] as const) {
    const holder = await createConnection({ host, port, user, password })
    const [rows] = await holder.query(`SELECT GET_LOCK('rekey/${name}', 0) AS held`)
    expect(rows).toEqual([{ held: 1 }])
    const ended = await mysql.apply(inputs, prepared, limits()).then(
      () => 'changed',
      (error: RotationFailure) => error.code,
    )
    expect(ended).toBe(ends)
    if (ends === 'changed') expect(await mysql.test(inputs, prepared, limits())).toBe('works')
    else await failureOf(mysql.test(inputs, prepared, limits()), 'TARGET_TIMEOUT')
    await holder.end()
  }
})

test('time that runs out after the change is not taken for a stop before it', async () => {
  let connections = 0
  // Slow for the change, and silent when the new password is tried.
  const slow = createServer((client) => {
    const number = ++connections
    const behind = connect(server.port, server.host)
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
    behind.pipe(client)
    let messages = 0
    const pause = () => (messages++ === 0 ? 800 : 250)
    client.on('data', (data) => {
      if (number === 1) void sleep(pause()).then(() => behind.write(data))
    })
  }).listen(0, '127.0.0.1')
  await once(slow, 'listening')
  const { username } = fixture.one
  try {
    const { port } = slow.address() as AddressInfo
    expect(await change(username, { port }, 4_500)).toMatch(/^TARGET_TIMEOUT: .*time.*connector function/)
    expect(await canLogIn(server, { username, password: PASSWORD })).toBe(true)
  } finally {
    slow.close()
  }
})
