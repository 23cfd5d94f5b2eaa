/** Which user a rotation is about: reads the inputs, refuses what cannot be, asks nobody. */
import { RotationFailure } from '../../model/failures.ts'
import type { AwsIamInputs, AwsLogin } from './schema.ts'

export interface IamUser {
  partition: string
  account: string
  name: string
}

const ARN = /^arn:(aws[a-z-]*):iam::([0-9]{12}):user\/((?:[\x21-\x7e]*\/)?)([\w+=,.@-]{1,64})$/
const REGION = /^[a-z0-9]+(-[a-z0-9]+)+$/

/** Where the IAM of a partition is, for everything that has one endpoint there. */
const HOME: Record<string, string> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
}

/** @throws RotationFailure INPUT_INVALID */
export function userOf(inputs: Partial<AwsIamInputs>): IamUser {
  const user = typeof inputs.userArn === 'string' ? parseUser(inputs.userArn) : undefined
  if (user) return user
  throw invalid('userArn must be the ARN of an IAM user, as in arn:aws:iam::123456789012:user/path/name')
}

/** What an ARN says; undefined when it names no IAM user. */
export function parseUser(arn: string): IamUser | undefined {
  const [, partition, account, , name] = ARN.exec(arn) ?? []
  return partition && account && name ? { partition, account, name } : undefined
}

/** Names are unique in an account whatever their path and case, so neither can make another user of this one. */
export function isSameUser(one: IamUser, other: IamUser): boolean {
  return targetOf(one) === targetOf(other)
}

/** The ARN without its path, in lower case: what no two users share. */
export function targetOf({ partition, account, name }: IamUser): string {
  return `arn:${partition}:iam::${account}:user/${name.toLowerCase()}`
}

/** Where a partition has what is global; undefined where that is not known. */
export function homeRegion(partition: string): string | undefined {
  return HOME[partition]
}

export function isRegion(given: unknown): given is string {
  return typeof given === 'string' && REGION.test(given)
}

/** @throws RotationFailure INPUT_INVALID */
export function regionOf(inputs: Partial<AwsIamInputs>, user: IamUser): string {
  const region: unknown = inputs.region
  if (region === undefined || region === null || region === '') {
    const home = homeRegion(user.partition)
    if (home !== undefined) return home
    throw invalid(`region is needed for a user of the partition ${user.partition}`)
  }
  if (isRegion(region)) return region
  throw invalid('region must be the name of a region, as in eu-central-1')
}

/**
 * An access key as it can be sent.
 * @param where names it for people: `login`
 * @throws RotationFailure INPUT_INVALID
 */
export function credentialsOf(given: unknown, where: string): AwsLogin {
  const parts = (given ?? {}) as Partial<Record<keyof AwsLogin, unknown>>
  const part = (name: keyof AwsLogin): string => {
    const value = parts[name]
    // What stands in a header must not end it.
    if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return value
    throw invalid(`${where}.${name} must be a text without spaces`)
  }
  const { sessionToken } = parts
  const keys = { accessKeyId: part('accessKeyId'), secretAccessKey: part('secretAccessKey') }
  return sessionToken == null || sessionToken === '' ? keys : { ...keys, sessionToken: part('sessionToken') }
}

/** @throws RotationFailure INPUT_INVALID */
export function loginOf(inputs: Partial<AwsIamInputs>): AwsLogin {
  return credentialsOf(inputs.login, 'login')
}

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}
