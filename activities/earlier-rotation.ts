/** The earlier rotation that an action by hand is about, and the call that names its targets today. Changes nothing. */
import { isDeepStrictEqual } from 'node:util'
import { calls } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import type { Queryable } from '../store/database.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import { findRotation, type RotationRecord } from '../store/rotation-records.ts'
import type { Revision } from '../store/revisions.ts'
import { documentOf, evaluateRotateCall, type EvaluatedCall } from './definition.ts'
import type { ActivityServices } from './services.ts'

/** @throws RotationFailure INPUT_INVALID when there is nothing (any more) to be decided about it. */
export async function demandUnsettled(
  db: Queryable,
  environmentId: string,
  id: string | undefined,
): Promise<RotationRecord> {
  const earlier = await findRotation(db, id ?? '')
  const refuse = (words: string) => new RotationFailure('INPUT_INVALID', words)
  if (!earlier || earlier.environmentId !== environmentId)
    throw refuse(`this environment has no rotation ${id}`)
  if (earlier.outcome === null) throw refuse(`the rotation ${id} is under way`)
  if (earlier.sentUntil === null) throw refuse(`the rotation ${id} changed nothing at its target`)
  if (!earlier.unsettled) throw refuse(`the rotation ${id} is settled already; nothing was done`)
  return earlier
}

/** What it was to send, and what it made, as far as that is known. */
export async function contentsOf(
  services: ActivityServices,
  earlier: RotationRecord,
  rotator: AnyRotator,
): Promise<{ prepared: unknown; credential: unknown }> {
  const { db, keeper } = services.environments
  const dataKey = await dataKeyOf(db, keeper, earlier.environmentId)
  const open = (sealed: Buffer | null): unknown =>
    sealed === null ? null : JSON.parse(dataKey.open('journal', earlier.id, sealed).toString('utf8'))
  const prepared = open(earlier.prepared)
  const credential = open(earlier.credential) ?? (prepared === null ? null : rotator.candidate(prepared))
  return { prepared, credential }
}

/**
 * The call of a revision that names exactly the targets of an earlier rotation: at its path, or wherever it was moved.
 * @throws RotationFailure when calls that might be it cannot be evaluated.
 */
export async function callFor(
  services: ActivityServices,
  options: { environment: Environment; login: string; revision: Revision; earlier: RotationRecord },
): Promise<{ path: string; call: EvaluatedCall } | undefined> {
  const { environment, login, revision, earlier } = options
  const document = documentOf(environment, revision)
  const paths = calls(document)
    .filter(({ rotator }) => rotator === earlier.rotator)
    .map(({ path }) => path)
  let failure: RotationFailure | undefined
  for (const path of paths.sort((a, b) => Number(b === earlier.path) - Number(a === earlier.path))) {
    try {
      const call = await evaluateRotateCall(services, {
        environment,
        login,
        document,
        path,
        rotator: earlier.rotator,
        logins: 'unknown',
      })
      if (isDeepStrictEqual(call.targets, earlier.targets)) return { path, call }
    } catch (error) {
      if (!(error instanceof RotationFailure)) throw error
      failure ??= error
    }
  }
  if (failure) throw failure
  return undefined
}
