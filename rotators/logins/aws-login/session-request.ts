/** What is to be asked of STS: reads the inputs of `oidc`, refuses what AWS would refuse anyway, asks nobody. */
import { RotationFailure } from '../../../model/failures.ts'
import { parseGoDuration } from '../../../model/go-duration.ts'
import { SUBJECT_ATTRIBUTES, type SubjectAttribute } from '../../../model/oidc.ts'
import { homeRegion, isRegion } from '../../aws-iam/user.ts'
import type { OidcInputs } from './schema.ts'

export interface SessionRequest {
  roleArn: string
  sessionName: string
  /** Seconds. */
  duration: number
  policyArns: string[]
  subjectAttributes: SubjectAttribute[] | undefined
  region: string
}

const ROLE = /^arn:(aws[a-z-]*):iam::[0-9]{12}:role\/(?:[\x21-\x7e]*\/)?[\w+=,.@-]{1,64}$/
const POLICY = /^arn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy\/[\x21-\x7e]+$/
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/
const USUAL_DURATION = '2h'
const SHORTEST = 15 * 60
const LONGEST = 12 * 3600
const MOST_POLICIES = 10

/** @throws RotationFailure INPUT_INVALID */
export function sessionRequest(inputs: Partial<OidcInputs>): SessionRequest {
  const { roleArn, sessionName, policyArns = [] } = inputs
  const [, partition] = ROLE.exec(textOf(roleArn)) ?? []
  if (roleArn === undefined || partition === undefined)
    throw invalid('oidc.roleArn must be the ARN of an IAM role, as in arn:aws:iam::123456789012:role/rekey')
  if (sessionName === undefined || !SESSION_NAME.test(textOf(sessionName)))
    throw invalid('oidc.sessionName must be 2 to 64 letters, digits and any of _+=,.@-')
  if (!Array.isArray(policyArns) || policyArns.length > MOST_POLICIES || !policyArns.every(isPolicy))
    throw invalid(`oidc.policyArns must be at most ${MOST_POLICIES} ARNs of managed policies`)
  return {
    roleArn,
    sessionName,
    duration: durationOf(inputs.duration),
    policyArns,
    subjectAttributes: attributesOf(inputs.subjectAttributes),
    region: regionFor(inputs.region, partition),
  }
}

function durationOf(given: unknown): number {
  const milliseconds = parseGoDuration(textOf(given ?? USUAL_DURATION))
  const seconds = Math.floor((milliseconds ?? Number.NaN) / 1000)
  if (seconds >= SHORTEST && seconds <= LONGEST) return seconds
  throw invalid('oidc.duration must be between 15m and 12h, as in 1h or 1h30m')
}

function attributesOf(given: unknown): SubjectAttribute[] | undefined {
  if (given === undefined || given === null) return undefined
  const known: readonly unknown[] = SUBJECT_ATTRIBUTES
  if (Array.isArray(given) && given.length > 0 && given.every((one) => known.includes(one)))
    return given as SubjectAttribute[]
  throw invalid(`oidc.subjectAttributes must be some of ${SUBJECT_ATTRIBUTES.join(', ')}`)
}

function regionFor(given: unknown, partition: string): string {
  if (given === undefined || given === null || given === '') {
    const home = homeRegion(partition)
    if (home !== undefined) return home
    throw invalid(`oidc.region is needed for a role of the partition ${partition}`)
  }
  if (isRegion(given)) return given
  throw invalid('oidc.region must be the name of a region, as in eu-central-1')
}

function isPolicy(given: unknown): boolean {
  return typeof given === 'string' && POLICY.test(given)
}

function textOf(given: unknown): string {
  return typeof given === 'string' ? given : ''
}

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', `aws-login: ${words}`)
}
