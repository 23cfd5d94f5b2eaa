/** The login provider `aws-login`: what is written down comes out, and nothing else does. */
import { expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { findLogin } from '../../../rotators/logins/index.ts'

const login = findLogin('aws-login')!
const context = { signal: new AbortController().signal, timeout: 1_000 }

test('a key comes out as it is, with its session token if it has one', async () => {
  const key = { accessKeyId: 'AKIA', secretAccessKey: 'hidden' }
  expect(await login.open({ static: key }, context)).toEqual({ outputs: key })
  expect(await login.open({ static: { ...key, sessionToken: 'token' } }, context)).toEqual({
    outputs: { ...key, sessionToken: 'token' },
  })
})

test('its outputs are secret where they are', () => {
  expect(login.outputs.properties).toMatchObject({
    secretAccessKey: { secret: true },
    sessionToken: { secret: true },
  })
})

test.for([
  [{}, /needs static/],
  [{ oidc: { roleArn: 'arn:aws:iam::123456789012:role/x' } }, /oidc comes with a later release/],
  [{ static: { accessKeyId: 'AKIA' } }, /static\.secretAccessKey/],
  [{ static: { accessKeyId: 'AKIA', secretAccessKey: 'hid den' } }, /static\.secretAccessKey/],
] as const)('%j is refused in words', async ([inputs, words]) => {
  const error: unknown = await login.open(inputs, context).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RotationFailure)
  expect((error as RotationFailure).message).toMatch(words)
  expect((error as RotationFailure).message).not.toContain('hid den')
})
