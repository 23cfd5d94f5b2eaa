/** New states into a definition's text: what a commit publishes, and what a dependent rotation sees before it. */
import { applyPatches, calls, fromPlain, type Document, type Patch } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import { parsePropertyPath, samePath } from '../model/property-path.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { documentOf, evaluateRotateCall, type EvaluatedCall } from './definition.ts'
import type { ActivityServices } from './services.ts'

/** A state as a rotator's state schema describes it. */
export interface NewState {
  current: unknown
  previous?: unknown
}

/**
 * The state that a verified rotation publishes: the new credential, and as previous the published one that has just
 * logged in, which is the current one unless the row says otherwise. Built from the definition, never from a state that was stored whole.
 */
export function newState(
  credential: unknown,
  published: EvaluatedCall['published'],
  previousFrom: Rotation['previousFrom'],
): NewState {
  const previous = previousFrom === 'none' ? null : published[previousFrom]
  return previous === null ? { current: credential } : { current: credential, previous }
}

/** Patches one call's state. @throws RotationFailure CONFLICT when there is no such call. */
export function statePatch(document: Document, path: string, call: EvaluatedCall, state: NewState): Patch {
  const wanted = parsePropertyPath(path)
  const found = calls(document).find((other) => samePath(parsePropertyPath(other.path), wanted))
  if (!found) throw new RotationFailure('CONFLICT', 'the rotate call is no longer in the definition')
  return { docPath: found.docPath, replacement: fromPlain(state, call.rotator.state) }
}

/** The credential that a row holds. */
export async function credentialOf(services: ActivityServices, row: Rotation): Promise<unknown> {
  const { db, keeper } = services.environments
  if (row.credential === null) throw new RotationFailure('INTERNAL')
  const dataKey = await dataKeyOf(db, keeper, row.environmentId)
  return JSON.parse(dataKey.open('journal', row.id, row.credential).toString('utf8'))
}

/** The text of a revision with the states of verified rotations in it, in clear: for evaluation in memory alone. */
export async function patchStates(
  services: ActivityServices,
  environment: Environment,
  event: RotationEvent,
  text: string,
  rotations: Rotation[],
): Promise<string> {
  const document = documentOf(environment, { number: event.baseRevision, text })
  const patches: Patch[] = []
  for (const row of rotations) {
    const call = await evaluateRotateCall(services, {
      environment,
      login: event.login,
      document,
      path: row.path,
      rotator: row.rotator,
      logins: 'unknown',
    })
    const state = newState(await credentialOf(services, row), call.published, row.previousFrom)
    patches.push(statePatch(document, row.path, call, state))
  }
  return applyPatches(text, patches)
}
