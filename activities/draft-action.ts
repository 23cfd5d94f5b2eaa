/**
 * What an action by hand means for the newest revision: which paths it is about, and what can be refused before anything
 * outside is asked. Rotations are drafted in draft-rotations.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import { stateHmacs } from '../environments/state.ts'
import { calls, type Document } from '../language/index.ts'
import { ACTIONS_ON_TOMBSTONES } from '../model/actions.ts'
import { RotationFailure } from '../model/failures.ts'
import { allows } from '../model/permissions.ts'
import { formatPropertyPath, parsePropertyPath } from '../model/property-path.ts'
import type { Environment } from '../store/environments.ts'
import { levelOn, levelOnOrganization } from '../store/grants.ts'
import type { Request } from '../store/requests.ts'
import { getRevision, latestRevision, type Revision } from '../store/revisions.ts'
import { documentOf, evaluateRotateCall, type EvaluatedCall } from './definition.ts'
import { draftRelease } from './draft-release.ts'
import type { Draft, DraftRotation } from './draft-rotations.ts'
import { callFor, demandUnsettled } from './earlier-rotation.ts'
import { demandNoOlderStore } from './older-store.ts'
import type { ActivityServices } from './services.ts'

/** An environment, its newest revision, and what is asked for. */
export interface ActionSource {
  environment: Environment
  request: Request
  newest: Revision
}

/** Evaluates what is asked for, without a transaction and without asking any login. */
export async function draftAction(
  services: ActivityServices,
  environment: Environment,
  request: Request,
): Promise<Draft> {
  const newest = await latestRevision(services.environments.db, environment.id)
  const draft: Draft = { revision: newest?.number ?? 0, rotations: [] }
  try {
    await demandNoOlderStore(services, environment.id)
    await demandRight(services, environment, request)
    if (!newest) throw new RotationFailure('INPUT_INVALID', 'the environment has no definition')
    draft.rotations = await rowsOf(services, { environment, request, newest })
  } catch (error) {
    if (!(error instanceof RotationFailure)) throw error
    draft.refused = { code: error.code, message: error.message }
  }
  return draft
}

async function demandRight(
  services: ActivityServices,
  environment: Environment,
  { action, login }: Request,
): Promise<void> {
  const { db } = services.environments
  const deny = (words: string) => new RotationFailure('PERMISSION_DENIED', words)
  if (environment.deletedAt && action !== 'settle') {
    if (!ACTIONS_ON_TOMBSTONES.includes(action))
      throw new RotationFailure('INPUT_INVALID', 'the environment was deleted')
    if (!allows(await levelOnOrganization(db, login, environment.organization), 'admin'))
      throw deny(`the environment was deleted; this is up to an administrator of ${environment.organization}`)
  } else if (!allows(await levelOn(db, login, environment), 'write'))
    throw deny(`${login} may not write to this environment any more`)
}

async function rowsOf(services: ActivityServices, source: ActionSource): Promise<DraftRotation[]> {
  const { environment, request, newest } = source
  const { action, subject, login } = request
  const { db } = services.environments
  if (action === 'release') return [await draftRelease(services, source)]
  if (action === 'undo' || action === 'forget') return await draftPaths(services, source)
  const earlier = await demandUnsettled(db, environment.id, subject.rotation)
  const { rotator, targets } = earlier
  if (action !== 'adopt') return [{ path: earlier.path, rotator, targets, dependsOnPaths: [] }]
  const found = await callFor(services, { environment, login, revision: newest, earlier })
  if (found) {
    const published = stateHmacs(services.environments.keeper, found.call.published)
    return [{ path: found.path, rotator, targets, published, dependsOnPaths: [] }]
  }
  throw new RotationFailure(
    'CONFLICT',
    `no call of the definition names ${targets.join(', ')} any more: put it back to adopt its credential, or discard the rotation`,
  )
}

async function draftPaths(services: ActivityServices, source: ActionSource): Promise<DraftRotation[]> {
  const { environment, request, newest } = source
  const document = documentOf(environment, newest)
  const known = new Map(calls(document).map((call) => [canonical(call.path), call.rotator]))
  const rows: DraftRotation[] = []
  for (const path of (request.paths?.map(canonical) ?? [...known.keys()]).sort()) {
    const rotator = known.get(path)
    const row: DraftRotation = { path, rotator: rotator ?? '', targets: [], dependsOnPaths: [] }
    rows.push(row)
    try {
      if (rotator === undefined)
        throw new RotationFailure('INPUT_INVALID', 'there is no rotate call at this path any more')
      const call = await evaluateAt(services, source, document, { path, rotator })
      row.targets = call.targets
      row.published = stateHmacs(services.environments.keeper, call.published)
      row.refused = whyNot(request, call)
      if (!row.refused) await demandAsSeen(services, source, { path, rotator }, call)
    } catch (error) {
      if (!(error instanceof RotationFailure)) throw error
      row.refused = { code: error.code, message: error.message }
    }
  }
  return rows
}

/** What the state alone says against it. */
function whyNot(
  { action, paths }: Request,
  { rotator, published }: EvaluatedCall,
): DraftRotation['refused'] | undefined {
  const refuse = (message: string) => ({
    code: 'STATE_INVALID' as const,
    message,
    // Nobody asked for just this path.
    ...(paths === null && { outcome: 'skipped' as const }),
  })
  if (action === 'forget')
    return published.current === null ? refuse('this call has no state to be forgotten') : undefined
  if (rotator.slots === 1)
    return refuse(`${rotator.name} keeps one credential: there is no previous one to go back to`)
  return published.previous === null
    ? refuse('this call has no previous credential to go back to')
    : undefined
}

/** @throws RotationFailure CONFLICT when the state is another one than in the revision that the person looked at. */
async function demandAsSeen(
  services: ActivityServices,
  source: ActionSource,
  at: { path: string; rotator: string },
  { published }: EvaluatedCall,
): Promise<void> {
  const { environment, request, newest } = source
  const { revision: number } = request.subject
  if (number === undefined || number === newest.number) return
  const seen = await getRevision(services.environments.db, environment.id, number)
  const call = seen && (await evaluateAt(services, source, documentOf(environment, seen), at))
  if (call && isDeepStrictEqual(call.published, published)) return
  throw new RotationFailure(
    'CONFLICT',
    `the state of this call is no longer that of revision ${number}, so nothing was done; look at it again`,
  )
}

async function evaluateAt(
  services: ActivityServices,
  { environment, request: { login } }: ActionSource,
  document: Document,
  at: { path: string; rotator: string },
): Promise<EvaluatedCall> {
  return await evaluateRotateCall(services, { environment, login, document, ...at, logins: 'unknown' })
}

function canonical(path: string): string {
  return formatPropertyPath(parsePropertyPath(path))
}
