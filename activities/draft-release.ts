/** Whether a claimed target may be freed: never while a call of its owner still names it, nor while it is in doubt unless a person answers for that. */
import { calls } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import { findClaim } from '../store/claims.ts'
import { listUnsettledOf } from '../store/unsettled.ts'
import { documentOf, evaluateRotateCall } from './definition.ts'
import type { ActionSource } from './draft-action.ts'
import type { DraftRotation } from './draft-rotations.ts'
import type { ActivityServices } from './services.ts'

/** @throws RotationFailure INPUT_INVALID, TARGET_TAKEN, OUTCOME_UNKNOWN */
export async function draftRelease(services: ActivityServices, source: ActionSource): Promise<DraftRotation> {
  const { environment, request } = source
  const { db } = services.environments
  const target = request.subject.target ?? ''
  const claim = await findClaim(db, target)
  if (claim?.environmentId !== environment.id)
    throw new RotationFailure('INPUT_INVALID', `this environment holds no target ${target} any more`)
  const named = environment.deletedAt ? [] : await pathsNaming(services, source, claim.path, target)
  if (named.some(({ path }) => path === claim.path))
    throw new RotationFailure(
      'TARGET_TAKEN',
      `the call at ${claim.path} still names ${target}: another owner would break the credential that it holds. Remove the call first`,
    )
  const inDoubt = await listUnsettledOf(db, target)
  // Where it was moved to, the next rotation settles what is in doubt.
  const takers = new Set(named.map(({ rotator }) => rotator))
  const left = inDoubt.filter((row) => row.environmentId !== environment.id || !takers.has(row.rotator))
  if (left.length > 0 && !request.subject.giveUp)
    throw new RotationFailure(
      'OUTCOME_UNKNOWN',
      `what ${left.map(({ id }) => `the rotation ${id}`).join(', ')} left at ${target} is not settled: adopt or discard it, or give it up with the target`,
    )
  return { path: claim.path, rotator: '', targets: [target], dependsOnPaths: [] }
}

/** @throws RotationFailure when the owner's own call cannot be evaluated and nobody answers for it. */
async function pathsNaming(
  services: ActivityServices,
  { environment, request, newest }: ActionSource,
  owner: string,
  target: string,
): Promise<{ path: string; rotator: string }[]> {
  const document = documentOf(environment, newest)
  const named: { path: string; rotator: string }[] = []
  for (const { path, rotator } of calls(document)) {
    try {
      const { targets } = await evaluateRotateCall(services, {
        environment,
        login: request.login,
        document,
        path,
        rotator,
        logins: 'unknown',
      })
      if (targets.includes(target)) named.push({ path, rotator })
    } catch (error) {
      if (!(error instanceof RotationFailure)) throw error
      if (path === owner && !request.subject.giveUp) throw error
    }
  }
  return named
}
