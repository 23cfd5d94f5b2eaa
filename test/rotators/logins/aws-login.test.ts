/** The login provider `aws-login`: what is written down comes out, and nothing else does. */
import { expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { findLogin } from '../../../rotators/logins/index.ts'

const ROLE = 'arn:aws:iam::123456789012:role/teams/rekey'
const login = findLogin('aws-login')!
const context = {
  signal: new AbortController().signal,
  timeout: 1_000,
  identity: () => Promise.reject(new Error('nobody is to be asked who we are')),
}

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
  [{}, /needs oidc: .* or static/],
  [{ oidc: {}, static: { accessKeyId: 'a', secretAccessKey: 'b' } }, /either oidc or static/],
  [{ oidc: { sessionName: 'rekey' } }, /oidc\.roleArn/],
  [{ oidc: { roleArn: 'arn:aws:iam::123456789012:user/x', sessionName: 'rekey' } }, /oidc\.roleArn/],
  [{ oidc: { roleArn: ROLE } }, /oidc\.sessionName/],
  [{ oidc: { roleArn: ROLE, sessionName: 'two words' } }, /oidc\.sessionName/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', duration: '1 hour' } }, /oidc\.duration/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', duration: '14m59s' } }, /oidc\.duration/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', duration: '12h1s' } }, /oidc\.duration/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', policyArns: ['ReadOnly'] } }, /oidc\.policyArns/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', subjectAttributes: [] } }, /oidc\.subjectAttributes/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', subjectAttributes: ['jti'] } }, /oidc\.subjectAttributes/],
  [{ oidc: { roleArn: ROLE, sessionName: 'rekey', region: 'a/b' } }, /oidc\.region/],
  [{ oidc: { roleArn: ROLE.replace('aws', 'aws-iso'), sessionName: 'rekey' } }, /oidc\.region is needed/],
  [{ static: { accessKeyId: 'AKIA' } }, /static\.secretAccessKey/],
  [{ static: { accessKeyId: 'AKIA', secretAccessKey: 'hid den' } }, /static\.secretAccessKey/],
] as const)('%j is refused in words', async ([inputs, words]) => {
  const error: unknown = await login.open(inputs, context).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RotationFailure)
  expect((error as RotationFailure).code).toBe('INPUT_INVALID')
  expect((error as RotationFailure).message).toMatch(words)
  expect((error as RotationFailure).message).not.toContain('hid den')
})
