/** What is refused without asking AWS, and the one name that each user has. */
import { describe, expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { awsIam } from '../../../rotators/aws-iam.ts'
import type { AwsIamInputs } from '../../../rotators/aws-iam/schema.ts'
import { loginOf, regionOf, userOf } from '../../../rotators/aws-iam/user.ts'

const ARN = 'arn:aws:iam::123456789012:user/app'
const inputs = (given: Record<string, unknown> = {}) => ({ userArn: ARN, ...given }) as AwsIamInputs

function refusal(work: () => unknown): RotationFailure {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(RotationFailure)
    expect((error as RotationFailure).code).toBe('INPUT_INVALID')
    return error as RotationFailure
  }
  return expect.unreachable('should have been refused')
}

describe('targets', () => {
  test.for([
    ['arn:aws:iam::123456789012:user/app', 'arn:aws:iam::123456789012:user/app'],
    ['arn:aws:iam::123456789012:user/services/eu/app', 'arn:aws:iam::123456789012:user/app'],
    ['arn:aws:iam::123456789012:user/App', 'arn:aws:iam::123456789012:user/app'],
    [
      'arn:aws-cn:iam::123456789012:user/a+b=c,d.e@f-g_h',
      'arn:aws-cn:iam::123456789012:user/a+b=c,d.e@f-g_h',
    ],
  ])('%s is %s', ([userArn, target]) => {
    expect(awsIam.targets(inputs({ userArn }))).toEqual([target])
  })

  test('the name that IAM is asked for has neither path nor another case', () => {
    expect(userOf({ userArn: 'arn:aws:iam::123456789012:user/services/App' })).toEqual({
      partition: 'aws',
      account: '123456789012',
      name: 'App',
    })
  })

  test.for([
    '',
    'app',
    'arn:aws:iam::123456789012:role/app',
    'arn:aws:iam::123456789012:root',
    'arn:aws:iam::12345678901:user/app',
    'arn:aws:iam:us-east-1:123456789012:user/app',
    'arn:aws:iam::123456789012:user/',
    'arn:aws:iam::123456789012:user/path/',
    `arn:aws:iam::123456789012:user/${'x'.repeat(65)}`,
    'arn:aws:iam::123456789012:user/a b',
    'arn:aws:iam::123456789012:user/app\n',
    7,
    undefined,
  ])('%j is no user', (userArn) => {
    expect(refusal(() => awsIam.targets(inputs({ userArn }))).message).toMatch(/userArn must be the ARN/)
  })
})

describe('region', () => {
  test.for([
    ['aws', undefined, 'us-east-1'],
    ['aws', '', 'us-east-1'],
    ['aws-cn', undefined, 'cn-north-1'],
    ['aws-us-gov', undefined, 'us-gov-west-1'],
    ['aws-iso', 'us-iso-east-1', 'us-iso-east-1'],
    ['aws', 'eu-central-1', 'eu-central-1'],
  ] as const)('%s %s: %s', ([partition, region, expected]) => {
    const user = { partition, account: '123456789012', name: 'app' }
    expect(regionOf(region === undefined ? {} : { region }, user)).toBe(expected)
  })

  test('of an unknown partition it is asked for, and it cannot be a host', () => {
    const userArn = 'arn:aws-iso:iam::123456789012:user/app'
    expect(refusal(() => awsIam.targets(inputs({ userArn }))).message).toMatch(/region is needed/)
    for (const region of ['evil.example.com/', 'eu-central-1@x', 'EU', 'a..b', 7])
      expect(refusal(() => awsIam.targets(inputs({ region }))).message).toMatch(/name of a region/)
  })
})

test.for([
  [undefined, /login\.accessKeyId/],
  [{ accessKeyId: 'AKIA' }, /login\.secretAccessKey/],
  [{ accessKeyId: 'AK IA', secretAccessKey: 'hidden' }, /login\.accessKeyId/],
  [{ accessKeyId: 'AKIA', secretAccessKey: 'hidden\r\nx' }, /login\.secretAccessKey/],
  [{ accessKeyId: 'AKIA', secretAccessKey: 'hidden', sessionToken: 'a b' }, /login\.sessionToken/],
] as const)('login %j is refused', ([login, words]) => {
  const { message } = refusal(() => loginOf({ login } as AwsIamInputs))
  expect(message).toMatch(words)
  expect(message).not.toContain('hidden')
})
