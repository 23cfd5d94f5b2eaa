/** How the server asks for passwords decides what a log-in proves, and whether a password may be sent at all. */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { postgres } from '../../../rotators/postgres.ts'
import type { PostgresCredential, PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { certificateAuthority } from '../../support/certificates.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'
import { tunedServer } from './tuned-server.ts'
import type { TunedServer } from './tuned-server.ts'

let server: TunedServer
let number = 0
let inputs: PostgresInputs
let user: PostgresCredential
let secrets: string[]

beforeAll(async () => {
  server = await tunedServer({ log_statement: 'all', log_connections: 'on' })
})
afterAll(() => server.stop())
beforeEach(async () => {
  await server.rules()
  ;({ inputs, user, secrets } = await server.users(`case${++number}`))
})

const with_ = (database: Partial<PostgresInputs['database']>): PostgresInputs => ({
  ...inputs,
  database: { ...inputs.database, ...database },
})

test('trust lets anything in, so it proves nothing', async () => {
  await server.rules(`host all ${user.username} 127.0.0.1/32 trust`)
  for (const password of [user.password, 'anything']) {
    const failure = await failureOf(
      postgres.test(inputs, { ...user, password }, limits()),
      'VERIFY_FAILED',
      secrets,
    )
    expect(failure.message).toContain('pg_hba.conf')
  }
})

test('no rule for the user: that says nothing against the password', async () => {
  await server.rules(`host all ${user.username} 127.0.0.1/32 reject`)
  const failure = await failureOf(postgres.test(inputs, user, limits()), 'TARGET_DENIED', secrets)
  expect(failure.message).toContain('pg_hba.conf')
  await server.rules(`host all ${inputs.database.managingUser!.username} 127.0.0.1/32 reject`)
  await failureOf(postgres.prepare(inputs, NOTHING_YET, limits()), 'LOGIN_FAILED', secrets)
})

test('who one is at the machine (ident) is no password: words, and nothing against it', async () => {
  await server.rules(`host all ${user.username} 127.0.0.1/32 ident`)
  const failure = await failureOf(postgres.test(inputs, user, limits()), 'TARGET_DENIED', secrets)
  expect(failure.message).toContain('pg_hba.conf')
})

test('md5 counts', async () => {
  await server.admin(`set password_encryption = md5; alter role ${user.username} password '${user.password}'`)
  await server.rules(`host all ${user.username} 127.0.0.1/32 md5`)
  expect(await postgres.test(inputs, user, limits())).toBe('works')
  expect(await postgres.test(inputs, { ...user, password: 'wrong' }, limits())).toBe('refused')
})

test('a password is not sent in clear, whoever asks for it and whatever sslmode says', async () => {
  const received: Buffer[] = []
  const greedy = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received.push(chunk)
      // A request for TLS is declined, everything else answered by a demand for the password in clear.
      socket.write(chunk.readUInt32BE(4) === 80877103 ? 'N' : Buffer.from('R\0\0\0\x08\0\0\0\x03', 'latin1'))
    })
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => greedy.once('listening', listening))
  const { port } = greedy.address() as AddressInfo
  for (const sslmode of [undefined, 'disable', 'allow', 'prefer'] as const) {
    const at = with_({ port, ...(sslmode && { sslmode }) })
    const failure = await failureOf(postgres.test(at, user, limits()), 'INPUT_INVALID', secrets)
    expect(failure.message).toMatch(/in clear.*database\.sslmode/)
    await failureOf(postgres.prepare(at, NOTHING_YET, limits()), 'INPUT_INVALID', secrets)
  }
  for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
    await failureOf(postgres.test(with_({ port, sslmode }), user, limits()), 'INPUT_INVALID', secrets)
  }
  greedy.close()
  expect(received.length).toBeGreaterThan(8)
  const sent = Buffer.concat(received).toString('latin1')
  expect(sent).toContain(user.username)
  for (const secret of secrets) expect(sent.includes(secret)).toBe(false)
})

test('a server that skips its own part of SCRAM has not proved anything', async () => {
  const impostor = createServer((socket: Socket) => {
    socket.on('error', () => {})
    const message = (type: string, ...body: (string | number)[]) => {
      const content = Buffer.concat(
        body.map((part) => {
          if (typeof part === 'string') return Buffer.from(part, 'latin1')
          const word = Buffer.alloc(4)
          word.writeUInt32BE(part)
          return word
        }),
      )
      const head = Buffer.from(`${type}\0\0\0\0`, 'latin1')
      head.writeUInt32BE(content.length + 4, 1)
      socket.write(Buffer.concat([head, content]))
    }
    let step = 0
    socket.on('data', (chunk) => {
      step++
      const nonce = /r=([^,]+)/.exec(chunk.toString('latin1'))?.[1]
      if (step === 1) message('R', 10, 'SCRAM-SHA-256\0\0')
      if (step === 2) message('R', 11, `r=${nonce}more,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)
      if (step !== 3) return
      message('R', 0)
      message('Z', 'I')
    })
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => impostor.once('listening', listening))
  const { port } = impostor.address() as AddressInfo
  await failureOf(postgres.test(with_({ port }), user, limits({ timeout: 3_000 })), 'VERIFY_FAILED', secrets)
  impostor.close()
})

test('a host name that nobody knows', async () => {
  const at = with_({ host: 'no-such-host.invalid', sslmode: 'disable' })
  const failure = await failureOf(
    postgres.test(at, user, limits()),
    ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'],
    secrets,
  )
  expect(failure.message).toContain('no-such-host.invalid')
})

test('the environment of the process stays out', async () => {
  const before = { ...process.env }
  Object.assign(process.env, {
    PGPASSWORD: user.password,
    PGOPTIONS: '-c search_path=nowhere -c default_transaction_read_only=on -c no_such_setting=1',
    PGSSLMODE: 'require',
    PGDATABASE: 'nowhere',
    PGUSER: 'nobody',
    PGPORT: '1',
    PGREPLICATION: 'true',
  })
  try {
    expect(await postgres.test(inputs, user, limits())).toBe('works')
    expect(await postgres.test(inputs, { ...user, password: '' }, limits())).toBe('refused')
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  }
})

test('nothing that the server logs holds a password, even when it logs every statement', async () => {
  const before = (await server.log()).length
  const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
  const made = await postgres.apply(inputs, prepared, limits())
  expect(await postgres.test(inputs, made, limits())).toBe('works')
  const log = (await server.log()).slice(before)
  expect(log).toContain(`ALTER ROLE "${user.username}" WITH PASSWORD`)
  for (const secret of [...secrets, made.password]) expect(log.includes(secret)).toBe(false)
})

test(
  'TLS: who is trusted, under which name, and what a server without it is told',
  { timeout: 60_000 },
  async () => {
    const authority = certificateAuthority()
    const other = certificateAuthority('Another authority')
    const works = async (database: Partial<PostgresInputs['database']>) =>
      expect(await postgres.test(with_(database), user, limits())).toBe('works')
    const fails = async (database: Partial<PostgresInputs['database']>, words: RegExp) => {
      const failure = await failureOf(
        postgres.test(with_(database), user, limits()),
        'INPUT_INVALID',
        secrets,
      )
      expect(failure.message).toMatch(words)
      expect(failure.message).not.toMatch(/BEGIN|CN=|altnames/i)
    }
    const ca = authority.certificate
    const byName = { host: 'localhost' }

    await server.tls(undefined)
    for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
      await fails({ sslmode, ca }, /does not offer TLS.*database\.sslmode/)
    }
    for (const sslmode of ['disable', 'allow', 'prefer'] as const) await works({ sslmode })

    await server.tls(authority.issue(['localhost', '127.0.0.1']))
    await server.rules(`hostnossl all ${user.username} 127.0.0.1/32 reject`)
    await works({ sslmode: 'verify-full', ca })
    await works({ ...byName, sslmode: 'verify-full', ca })
    await works({ sslmode: 'verify-full', ca: other.certificate + ca })
    for (const sslmode of ['allow', 'prefer', 'require', 'verify-ca'] as const) await works({ sslmode, ca })
    for (const sslmode of ['allow', 'prefer', 'require'] as const) await works({ sslmode })
    for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
      await fails({ sslmode, ca: other.certificate }, /not trusted.*database\.ca/)
    }
    for (const sslmode of ['verify-ca', 'verify-full'] as const)
      await fails({ sslmode }, /not trusted.*database\.ca/)
    // Only TLS is let in, and without it nothing is said about the password.
    await failureOf(postgres.test(with_({ sslmode: 'disable' }), user, limits()), 'TARGET_DENIED', secrets)

    // In clear, but under verified TLS.
    await server.rules(`hostssl all ${user.username} 127.0.0.1/32 password`)
    await works({ sslmode: 'verify-full', ca })
    await works({ sslmode: 'verify-ca', ca })
    await fails({ sslmode: 'require' }, /in clear/)
    await fails({ sslmode: 'prefer' }, /in clear/)
    await server.rules()

    await server.tls(authority.issue(['db.example.com', '10.1.2.3']))
    await fails({ sslmode: 'verify-full', ca }, /another name.*database\.host/)
    await fails({ ...byName, sslmode: 'verify-full', ca }, /another name.*database\.host/)
    await works({ sslmode: 'verify-ca', ca })

    await server.tls(authority.issue(['127.0.0.1'], -1))
    await fails({ sslmode: 'verify-full', ca }, /not valid at this time/)
    await fails({ sslmode: 'verify-ca', ca }, /not valid at this time/)

    // The whole way under TLS.
    await server.tls(authority.issue(['127.0.0.1']))
    inputs = with_({ sslmode: 'verify-full', ca })
    const made = await postgres.apply(inputs, await postgres.prepare(inputs, NOTHING_YET, limits()), limits())
    expect(await postgres.test(inputs, made, limits())).toBe('works')
    expect(await postgres.test(inputs, user, limits())).toBe('refused')
  },
)
