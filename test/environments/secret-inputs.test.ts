import { describe, expect, test } from 'vitest'
import { redactFailure, secretTexts, targetsOf } from '../../environments/secret-inputs.ts'
import { fromPlain, type Value } from '../../language/index.ts'
import { RotationFailure } from '../../model/failures.ts'
import { findRotator } from '../../rotators/index.ts'

const postgres = findRotator('postgres')!

function inputs(secret: string[]): Value {
  const leaf = (path: string, value: string): Value => ({
    value,
    ...(secret.includes(path) && { secret: true }),
  })
  return {
    value: {
      database: {
        value: {
          host: leaf('host', 'db.example.net'),
          port: { value: '5432' },
          database: leaf('database', 'shop'),
          managingUser: {
            value: {
              username: leaf('manager', 'shop_manager'),
              password: { value: 'pass-word', secret: true },
            },
          },
        },
      },
      rotateUsers: { value: { username1: leaf('user', 'app_a'), username2: { value: 'app_b' } } },
    },
  }
}

describe('targets are shown in clear', () => {
  test.each(['host', 'user'])('so a secret %s is refused, in words without it', (path) => {
    const refused = () => targetsOf(postgres, inputs([path]))
    expect(refused).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    expect(refused).toThrow(/must not be secret/)
  })

  test.each(['manager', 'database'])('a secret %s is nobody’s target', (path) => {
    expect(targetsOf(postgres, inputs([path]))).toEqual(targetsOf(postgres, inputs([])))
  })

  test('what a rotator says of its inputs is told without their secrets', () => {
    const same = inputs(['manager'])
    const users = { value: { username1: { value: 'shop_manager' }, username2: { value: 'app_b' } } }
    const value = { value: { ...(same.value as Record<string, Value>), rotateUsers: users } }
    try {
      targetsOf(postgres, value)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('shop_manager')
    }
  })
})

describe('without a target', () => {
  const password = findRotator('password')!

  test('any input may be secret', () => {
    const special: Value = { value: { overrideSpecial: { value: '_-', secret: true } } }
    expect(targetsOf(password, special)).toEqual([])
  })

  test('only a rotator that says so rotates: otherwise nothing would be claimed', () => {
    const forgetful = { ...postgres, targets: () => [] }
    expect(() => targetsOf(forgetful, inputs([]))).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    const contrary = { ...password, targets: () => ['somewhere'] }
    expect(() => targetsOf(contrary, { value: {} })).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })
})

test('the longest secret goes first, and what is short is left', () => {
  const value = fromPlain({ a: 'pa', b: 'pass', c: ['password'] }, { secret: true })
  const secrets = secretTexts({ ...value, secret: true })
  expect(secrets).toEqual(['password', 'pass'])
  const options = { retryAfter: 7, unchanged: true }
  const failure = redactFailure(new RotationFailure('LOGIN_FAILED', 'password pass pa', options), secrets)
  expect(failure).toMatchObject({ code: 'LOGIN_FAILED', message: '[secret] [secret] pa', ...options })
})
