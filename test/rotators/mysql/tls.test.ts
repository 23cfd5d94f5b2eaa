/** Who is trusted under TLS, under which name, and what a server without it is told: never a password itself. */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { mkdtempSync, chmodSync, writeFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mysql } from '../../../rotators/mysql.ts'
import type { MysqlInputs } from '../../../rotators/mysql/schema.ts'
import { certificateAuthority } from '../../support/certificates.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'
import { accounts } from './fixture.ts'
import type { Accounts } from './fixture.ts'
import { ownMariadb } from './own-server.ts'

const authority = certificateAuthority()
const other = certificateAuthority('Another authority')
const ca = authority.certificate
const folder = mkdtempSync(join(tmpdir(), 'rekey-certificates-'))
let server: Awaited<ReturnType<typeof ownMariadb>>
let fixture: Accounts

beforeAll(async () => {
  chmodSync(folder, 0o755)
  server = await ownMariadb(serve(['localhost', '127.0.0.1']))
  fixture = await accounts(server)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

function serve(names: string[], days?: number): Record<string, string> {
  const { certificate, key } = authority.issue(names, days)
  writeFileSync(join(folder, 'server.crt'), certificate)
  writeFileSync(join(folder, 'server.key'), key)
  // Read by the user that the server runs as; of a test, in a folder of its own.
  chmodSync(join(folder, 'server.key'), 0o644)
  return { 'ssl-cert': join(folder, 'server.crt'), 'ssl-key': join(folder, 'server.key') }
}

const withRoute = (database: Partial<MysqlInputs['database']>): MysqlInputs => ({
  ...fixture.inputs,
  database: { ...fixture.inputs.database, ...database },
})
const works = async (database: Partial<MysqlInputs['database']>) =>
  expect(await mysql.test(withRoute(database), fixture.one, limits())).toBe('works')
async function fails(database: Partial<MysqlInputs['database']>, words: RegExp): Promise<void> {
  const failure = await failureOf(
    mysql.test(withRoute(database), fixture.one, limits()),
    'INPUT_INVALID',
    fixture.secrets,
  )
  expect(failure.message).toMatch(words)
  expect(failure.message).not.toMatch(/BEGIN|CN=|altnames/i)
}

test('the certificate is checked against the authority and the host, an address as well', async () => {
  await works({ sslmode: 'verify-full', ca })
  await works({ sslmode: 'verify-full', ca, host: 'localhost' })
  await works({ sslmode: 'verify-full', ca: other.certificate + ca })
  for (const sslmode of ['allow', 'prefer', 'require', 'verify-ca'] as const) await works({ sslmode, ca })
  for (const sslmode of ['prefer', 'require'] as const) await works({ sslmode })
  for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const)
    await fails({ sslmode, ca: other.certificate }, /not trusted.*database\.ca/)
  for (const sslmode of ['verify-ca', 'verify-full'] as const)
    await fails({ sslmode }, /not trusted.*database\.ca/)
})

test('a user that may only come over TLS', async () => {
  await fixture.admin(`ALTER USER '${fixture.one.username}'@'%' REQUIRE SSL`)
  const failure = await failureOf(
    mysql.prepare(fixture.inputs, NOTHING_YET, limits()),
    'TARGET_DENIED',
    fixture.secrets,
  )
  expect(failure.message).toMatch(/REQUIRE SSL.*verify-full/)
  const inputs = withRoute({ sslmode: 'verify-full', ca })
  const made = await mysql.apply(inputs, await mysql.prepare(inputs, NOTHING_YET, limits()), limits())
  expect(await mysql.test(inputs, made, limits())).toBe('works')
  await fixture.admin(
    `ALTER USER '${fixture.one.username}'@'%' IDENTIFIED BY '${fixture.one.password}' REQUIRE NONE`,
  )
})

test('a user that has to show a certificate of its own is left alone: its password could not be tried', async () => {
  const user = `'${fixture.one.username}'@'%'`
  const inputs = withRoute({ sslmode: 'verify-full', ca })
  for (const demand of ['X509', "ISSUER '/CN=one'", "SUBJECT '/CN=two'"]) {
    await fixture.admin(`ALTER USER ${user} REQUIRE ${demand}`)
    const prepared = mysql.prepare(inputs, NOTHING_YET, limits())
    const failure = await failureOf(prepared, 'TARGET_DENIED', fixture.secrets)
    expect(failure.message).toMatch(/certificate of its own.*REQUIRE SSL/)
  }
  await fixture.admin(`ALTER USER ${user} REQUIRE CIPHER 'TLS_AES_256_GCM_SHA384'`)
  await mysql.prepare(inputs, NOTHING_YET, limits())
  await fixture.admin(`ALTER USER ${user} REQUIRE NONE`)
})

test('a certificate for another name, and one that has expired', async () => {
  serve(['db.example.com', '10.1.2.3'])
  await fixture.admin('FLUSH SSL')
  await fails({ sslmode: 'verify-full', ca }, /another name.*database\.host/)
  await fails({ sslmode: 'verify-full', ca, host: 'localhost' }, /another name.*database\.host/)
  await works({ sslmode: 'verify-ca', ca })
  serve(['127.0.0.1'], -1)
  await fixture.admin('FLUSH SSL')
  await fails({ sslmode: 'verify-full', ca }, /not valid at this time/)
})

test('a server without TLS', async () => {
  const plain = await ownMariadb()
  const bare = await accounts(plain)
  const at = (sslmode: 'prefer' | 'require' | 'verify-full'): MysqlInputs => ({
    ...bare.inputs,
    database: { ...bare.inputs.database, sslmode },
  })
  try {
    for (const sslmode of ['require', 'verify-full'] as const) {
      const failure = await failureOf(
        mysql.test(at(sslmode), bare.one, limits()),
        'INPUT_INVALID',
        bare.secrets,
      )
      expect(failure.message).toMatch(/does not offer TLS.*database\.sslmode/)
    }
    expect(await mysql.test(at('prefer'), bare.one, limits())).toBe('works')
  } finally {
    await plain.stop()
  }
})

test('a password is not given to a server that was not checked, whatever it asks for', async () => {
  const received: Buffer[] = []
  const packet = (number: number, ...parts: (string | number | Buffer)[]) => {
    const body = Buffer.concat(
      parts.map((part) =>
        typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : Buffer.from(typeof part === 'number' ? [part] : part),
      ),
    )
    return Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, number]), body])
  }
  // Protocol 10, authentication by plugins, no TLS.
  const hello = packet(
    0,
    10,
    '8.0.0\0',
    '\x01\0\0\0',
    'abcdefgh\0',
    '\xff\xf7',
    45,
    '\x02\0',
    '\xff\xdf',
    21,
    '\0'.repeat(10),
    'ijklmnopqrst\0',
    'caching_sha2_password\0',
  )
  for (const plugin of [
    'mysql_clear_password',
    'caching_sha2_password',
    'sha256_password',
    'dialog',
    'no_such',
    '__proto__',
  ]) {
    const greedy = createServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.write(hello)
      let number = 0
      socket.on('data', (chunk) => {
        received.push(chunk)
        number = chunk[3]! + 1
        if (number === 2) socket.write(packet(number, 0xfe, `${plugin}\0`, 'abcdefghijklmnopqrst\0'))
        else socket.write(packet(number, 1, 4))
      })
    }).listen(0, '127.0.0.1')
    await new Promise((listening) => greedy.once('listening', listening))
    const { port } = greedy.address() as AddressInfo
    const at = fixture.via({ host: '127.0.0.1', port })
    await failureOf(
      mysql.test(at, fixture.one, limits({ timeout: 2_000 })),
      ['INPUT_INVALID', 'TARGET_DENIED', 'TARGET_UNREACHABLE', 'TARGET_TIMEOUT'],
      fixture.secrets,
    )
    greedy.close()
  }
  expect(received.length).toBeGreaterThan(5)
  const sent = Buffer.concat(received).toString('latin1')
  expect(sent).toContain(fixture.one.username)
  for (const secret of fixture.secrets) expect(sent.includes(secret)).toBe(false)
})
