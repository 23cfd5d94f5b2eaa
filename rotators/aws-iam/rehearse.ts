/**
 * A rotation of access keys as far as it can be told without one: which key would make room, which keys are nobody's,
 * and what AWS's policy simulation says of the login, where it may be asked. Reads only.
 */
import type { SimulatePrincipalPolicyCommandOutput } from '@aws-sdk/client-iam'
import { RotationFailure } from '../../model/failures.ts'
import type { Rehearsal, RotatorContext } from '../rotator.ts'
import type { Aws } from './aws.ts'
import type { Keys, ListedKey } from './keys.ts'

export interface Situation {
  listed: ListedKey[]
  /** There is no room for another key. */
  isFull: boolean
  current: string | null
  previous: string | null
  /** ARN of the login. */
  manager: string
  userArn: string
}

/** @throws RotationFailure TARGET_DENIED, CANCELLED */
export async function rehearse(
  { listed, isFull, current, previous, manager, userArn }: Situation,
  keys: Keys,
  aws: Aws,
  context: RotatorContext,
): Promise<Rehearsal> {
  const ids = listed.map(({ id }) => id)
  const removed = isFull && previous !== null && ids.includes(previous) ? previous : null
  const foreign = ids.filter((id) => id !== current && id !== previous)
  const [removal, others, denied] = await Promise.all([
    keys.describe(removed === null ? [] : [removed], listed),
    keys.describe(foreign, listed),
    simulate(aws, { manager, userArn }, context),
  ])
  // Room for one more, so nothing stops this rotation; the next one finds both places taken.
  const warnings = others.map(
    (words) =>
      `a key that is not known to be Rekey's takes one of the two places and is left alone: ${words}. ` +
      'The rotation after this one would fail with KEY_LIMIT unless it is deleted, or put into the state as previous',
  )
  const may = (actions: string[]) => `the login may not ${actions.join(' and ')} on this user`
  const needed = ['iam:CreateAccessKey', ...(removed === null ? [] : ['iam:DeleteAccessKey'])]
  const missing = denied.for.filter((action) => needed.includes(action))
  const later = denied.for.filter((action) => !needed.includes(action))
  if (missing.length > 0 && denied.sure)
    throw new RotationFailure(
      'TARGET_DENIED',
      `${may(missing)}, says the policy simulation of AWS; allow it in its policy`,
    )
  if (missing.length > 0)
    warnings.push(
      `${may(missing)}, says the policy simulation of AWS, without knowing all that its conditions ask for`,
    )
  if (later.length > 0)
    warnings.push(`${may(later)}, says the policy simulation of AWS; later rotations need it`)
  return {
    writes: 'a new access key',
    first: removal.map((words) => `delete the previous access key ${words}`),
    warnings,
  }
}

const ACTIONS = ['iam:CreateAccessKey', 'iam:DeleteAccessKey']

/**
 * The actions that the login's policies do not allow. Nothing at all where the simulation may not be asked, or is not
 * there: it is no part of the least policy. `sure`: no condition was left open.
 */
async function simulate(
  aws: Aws,
  { manager, userArn }: { manager: string; userArn: string },
  context: RotatorContext,
): Promise<{ for: string[]; sure: boolean }> {
  const nothing = { for: [], sure: false }
  const source = sourceOf(manager)
  if (source === undefined) return nothing
  try {
    const command = new aws.iam.SimulatePrincipalPolicyCommand({
      PolicySourceArn: source,
      ActionNames: ACTIONS,
      ResourceArns: [userArn],
    })
    const answer = await aws.ask<SimulatePrincipalPolicyCommandOutput>(
      'iam:SimulatePrincipalPolicy',
      command,
      context,
    )
    const results = (answer.EvaluationResults ?? []).filter(({ EvalDecision }) => EvalDecision !== 'allowed')
    return {
      for: ACTIONS.filter((action) => results.some(({ EvalActionName }) => EvalActionName === action)),
      sure: results.every(({ MissingContextValues }) => (MissingContextValues ?? []).length === 0),
    }
  } catch (error) {
    if (error instanceof RotationFailure && error.code === 'CANCELLED') throw error
    return nothing
  }
}

/** Whose policies count: a role's session has those of the role. Undefined for the account itself and federated users. */
function sourceOf(arn: string): string | undefined {
  if (/^arn:[a-z-]+:iam::\d{12}:user\//.test(arn)) return arn
  const [, partition, account, role] = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn) ?? []
  return role === undefined ? undefined : `arn:${partition}:iam::${account}:role/${role}`
}
