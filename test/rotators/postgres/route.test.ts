/** What is refused without asking the server, and the one name that each target has. */
import { describe, expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { postgres } from '../../../rotators/postgres.ts'
import { routeOf } from '../../../rotators/postgres/route.ts'
import type { DatabaseInputs, PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { certificateAuthority } from '../../support/certificates.ts'

function inputs(database: Record<string, unknown> = {}, users: Record<string, unknown> = {}): PostgresInputs {
  const managingUser = { username: 'manager', password: 'not-to-be-seen' }
  return {
    database: {
      host: 'db.example.com',
      port: 5432,
      database: 'app',
      managingUser,
      ...database,
    } as DatabaseInputs,
    rotateUsers: { username1: 'one', username2: 'two', ...users },
  }
}

function refusal(given: PostgresInputs): RotationFailure {
  try {
    postgres.targets(given)
  } catch (error) {
    expect(error).toBeInstanceOf(RotationFailure)
    expect(String(error)).not.toContain('not-to-be-seen')
    return error as RotationFailure
  }
  return expect.unreachable('should have been refused')
}

describe('targets', () => {
  test.for([
    [{ host: 'DB.Example.COM.' }, 'db.example.com:5432'],
    [{ port: '5432' }, 'db.example.com:5432'],
    [{ port: undefined }, 'db.example.com:5432'],
    [{ port: 6543 }, 'db.example.com:6543'],
    [{ host: 'localhost' }, 'localhost:5432'],
    [{ host: 'LOCALHOST' }, 'localhost:5432'],
    [{ host: '127.0.0.1' }, 'localhost:5432'],
    [{ host: '127.1' }, 'localhost:5432'],
    [{ host: '::1' }, 'localhost:5432'],
    [{ host: '[0:0:0:0:0:0:0:1]' }, 'localhost:5432'],
    [{ host: '::ffff:127.0.0.1' }, 'localhost:5432'],
    [{ host: '::ffff:10.1.2.250' }, '10.1.2.250:5432'],
    [{ host: '2001:DB8:0:0::1' }, '[2001:db8::1]:5432'],
    [{ host: 'bücher.example' }, 'xn--bcher-kva.example:5432'],
    [{ database: 'another' }, 'db.example.com:5432'],
  ] as const)('%j is %s', ([database, place]) => {
    expect(postgres.targets(inputs(database))).toEqual([`postgres://${place}/one`, `postgres://${place}/two`])
  })

  test('names are told apart by case, and written so that none can look like another', () => {
    const users = { username1: 'App/1', username2: 'app%2F1 ü' }
    expect(postgres.targets(inputs({}, users))).toEqual([
      'postgres://db.example.com:5432/App%2F1',
      'postgres://db.example.com:5432/app%252F1%20%C3%BC',
    ])
    expect(postgres.targets(inputs({}, { username1: 'app', username2: 'App' }))).toHaveLength(2)
  })

  test('the order of the two users makes no difference', () => {
    const swapped = inputs({}, { username1: 'two', username2: 'one' })
    expect(postgres.targets(swapped)).toEqual(postgres.targets(inputs()))
  })

  test('they are known before the managing user is', () => {
    expect(postgres.targets(inputs({ managingUser: undefined }))).toHaveLength(2)
  })
})

describe('refused, naming the input', () => {
  test.for([
    [{ connector: { awsLambda: {} } }, {}, /database\.connector is not for/],
    [{}, { username2: 'one' }, /the same user/],
    [{}, { username2: 'manager' }, /managingUser is one of rotateUsers/],
    [{}, { username1: 'x'.repeat(64) }, /rotateUsers\.username1 .* 63 bytes/],
    [{}, { username2: 'ü'.repeat(32) }, /rotateUsers\.username2 .* 63 bytes/],
    [{}, { username1: '' }, /rotateUsers\.username1/],
    [{}, { username1: 'a\0b' }, /rotateUsers\.username1/],
    [{}, { username1: 'a\ud800' }, /rotateUsers\.username1/],
    [{}, { username1: 7 }, /rotateUsers\.username1/],
    [{ host: '' }, {}, /database\.host/],
    [{ host: 'a,b' }, {}, /database\.host/],
    [{ host: '/var/run/postgresql' }, {}, /database\.host/],
    [{ host: 'postgres://db' }, {}, /database\.host/],
    [{ host: 'db:5432' }, {}, /database\.host/],
    [{ host: 'db example' }, {}, /database\.host/],
    [{ host: 'me@db' }, {}, /database\.host/],
    [{ port: 0 }, {}, /database\.port/],
    [{ port: 65536 }, {}, /database\.port/],
    [{ port: 1.5 }, {}, /database\.port/],
    [{ port: ' 1' }, {}, /database\.port/],
    [{ port: '99999' }, {}, /database\.port/],
    [{ database: '' }, {}, /database\.database/],
    [{ database: 'd'.repeat(64) }, {}, /database\.database/],
    [
      { sslmode: 'on' },
      {},
      /database\.sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full/,
    ],
    [{ ca: 'nonsense' }, {}, /database\.ca/],
    [{ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, {}, /database\.ca/],
  ] as const)('%j %j', ([database, users, words]) => {
    const failure = refusal(inputs(database, users))
    expect(failure.code).toBe('INPUT_INVALID')
    expect(failure.message).toMatch(words)
  })

  test('63 bytes are not too many', () => {
    expect(postgres.targets(inputs({}, { username1: 'x'.repeat(63) }))).toHaveLength(2)
  })
})

describe('TLS unless it stays on this machine', () => {
  test.for([
    ['db.example.com', 'verify-full'],
    ['10.0.0.1', 'verify-full'],
    ['localhost', 'disable'],
    ['127.0.0.53', 'disable'],
    ['::1', 'disable'],
    ['localhost.example.com', 'verify-full'],
  ] as const)('%s: %s', ([host, sslmode]) => {
    expect(routeOf(inputs({ host })).sslmode).toBe(sslmode)
  })

  test('what is given counts; several authorities are taken', () => {
    const ca = certificateAuthority().certificate + certificateAuthority().certificate
    const route = routeOf(inputs({ host: 'localhost', sslmode: 'require', ca: `# two\n${ca}` }))
    expect(route.sslmode).toBe('require')
    expect(route.ca?.match(/BEGIN/g)).toHaveLength(2)
  })
})
