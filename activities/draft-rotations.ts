/**
 * What a request means for the newest revision: which calls, with which targets, in which order, and what can be
 * refused before anything outside is touched.
 */
import { randomUUID } from 'node:crypto'
import { stateHmacs } from '../environments/state.ts'
import { calls, type RotateCall } from '../language/index.ts'
import type { Action } from '../model/actions.ts'
import { RotationFailure, toRotationFailure, type FailureCode } from '../model/failures.ts'
import { allows } from '../model/permissions.ts'
import { formatPropertyPath, parsePropertyPath } from '../model/property-path.ts'
import { claimTargets } from '../store/claims.ts'
import type { Queryable } from '../store/database.ts'
import type { Environment } from '../store/environments.ts'
import { levelOn } from '../store/grants.ts'
import { agesOfPaths, type NewRotation } from '../store/journal.ts'
import type { Request } from '../store/requests.ts'
import { latestRevision } from '../store/revisions.ts'
import { isStoreAway } from '../store/away.ts'
import { documentOf, evaluateRotateCall } from './definition.ts'
import { originOf } from './guarded.ts'
import { judgeAge, judgeUndo } from './minimum-age.ts'
import { demandNoOlderStore } from './older-store.ts'
import type { ActivityServices } from './services.ts'
import { sideBySide } from './side-by-side.ts'

export interface DraftRotation {
  path: string
  rotator: string
  targets: string[]
  /** Keyed hashes of the credentials in its state. */
  published?: Buffer[]
  dependsOnPaths: string[]
  /** `failed` unless it says otherwise. */
  refused?: { code: FailureCode; message: string; outcome?: 'failed' | 'skipped' } | undefined
}

/** Actions that publish a credential: its target must be the path's own. */
const CLAIMING: readonly Action[] = ['rotate', 'adopt', 'undo']

export interface Draft {
  /** The revision that was evaluated. */
  revision: number
  rotations: DraftRotation[]
  /** Set where the whole event is refused. */
  refused?: { code: FailureCode; message: string }
}

/** Evaluates what is asked for, without a transaction and without asking any login. */
export async function draftRotations(
  services: ActivityServices,
  environment: Environment,
  request: Request,
): Promise<Draft> {
  const { db } = services.environments
  const revision = await latestRevision(db, environment.id)
  const draft: Draft = { revision: revision?.number ?? 0, rotations: [] }
  try {
    await demandNoOlderStore(services, environment.id)
    const level = await levelOn(db, request.login, environment)
    if (level === null || !allows(level, 'write')) {
      throw new RotationFailure(
        'PERMISSION_DENIED',
        `${request.login} may not write to this environment any more`,
      )
    }
    if (!revision) return draft
    const document = documentOf(environment, revision)
    const known = new Map(calls(document).map((call) => [canonical(call.path), call]))
    const asked = request.paths === null ? [...known.keys()] : [...new Set(request.paths.map(canonical))]
    const order = new Set(asked)
    draft.rotations = await sideBySide(asked.sort(), async (path) => {
      const call = known.get(path)
      if (call) return await draftRotation(services, { environment, request, document, call, asked: order })
      return refusedRotation(
        path,
        new RotationFailure('INPUT_INVALID', 'there is no rotate call at this path any more'),
      )
    })
    refuseCircles(draft.rotations)
  } catch (error) {
    if (!(error instanceof RotationFailure)) throw error
    draft.refused = { code: error.code, message: error.message }
  }
  return draft
}

async function draftRotation(
  services: ActivityServices,
  options: {
    environment: Environment
    request: Request
    document: Parameters<typeof calls>[0] & object
    call: RotateCall
    asked: Set<string>
  },
): Promise<DraftRotation> {
  const { environment, request, document, call } = options
  const path = canonical(call.path)
  try {
    const problem = call.problems.find((diagnostic) => diagnostic.severity === 'error')
    if (problem) throw new RotationFailure('INPUT_INVALID', problem.summary)
    if (call.insideStateOf !== undefined) {
      throw new RotationFailure('INPUT_INVALID', `this call stands inside the state of ${call.insideStateOf}`)
    }
    const { targets, published } = await evaluateRotateCall(services, {
      environment,
      login: request.login,
      document,
      path,
      rotator: call.rotator,
      logins: 'unknown',
    })
    return {
      path,
      rotator: call.rotator,
      targets,
      published: stateHmacs(services.environments.keeper, published),
      dependsOnPaths: call.dependsOn.map(canonical).filter((other) => options.asked.has(other)),
    }
  } catch (error) {
    // No fault of the definition: the plan is tried again.
    if (isStoreAway(error)) throw error
    if (!(error instanceof RotationFailure))
      services.log.error(originOf(error), 'a call could not be planned')
    return { ...refusedRotation(path, toRotationFailure(error)), rotator: call.rotator }
  }
}

function refusedRotation(path: string, failure: RotationFailure): DraftRotation {
  return {
    path,
    rotator: '',
    targets: [],
    dependsOnPaths: [],
    refused: { code: failure.code, message: failure.message },
  }
}

function refuseCircles(rotations: DraftRotation[]): void {
  const byPath = new Map(rotations.map((rotation) => [rotation.path, rotation]))
  for (const rotation of rotations) {
    // dependsOn holds what is reached through others too, so a circle shows as a path that reaches itself.
    const inCircle = rotation.dependsOnPaths.some(
      (path) => path === rotation.path || byPath.get(path)?.dependsOnPaths.includes(rotation.path),
    )
    if (!inCircle) continue
    rotation.refused ??= {
      code: 'INPUT_INVALID',
      message: 'the inputs of this call depend on the credential that it rotates',
    }
  }
}

/**
 * Inside the plan's transaction: minimum ages and claims, then the rows as they are to be written. A dry run brings a
 * `claim` of its own, which writes nothing.
 */
export async function finishRotations(
  services: ActivityServices,
  db: Queryable,
  environment: Environment,
  request: Request,
  draft: Draft,
  claim: typeof claimTargets = claimTargets,
): Promise<NewRotation[]> {
  const none = new Map<string, number>()
  const ages = request.action === 'rotate' ? await agesOfPaths(db, environment.id) : none
  const undone = request.action === 'undo' ? await agesOfPaths(db, environment.id, 'undo') : none
  const ids = new Map(draft.rotations.map((rotation) => [rotation.path, randomUUID()]))
  const rows: NewRotation[] = []
  for (const rotation of draft.rotations) {
    const id = ids.get(rotation.path) ?? randomUUID()
    const row: NewRotation = {
      id,
      eventId: request.eventId,
      environmentId: environment.id,
      path: rotation.path,
      rotator: rotation.rotator,
      targets: rotation.targets,
      dependsOn: rotation.dependsOnPaths.flatMap((path) => ids.get(path) ?? []),
      warnings: [],
    }
    rows.push(row)
    if (rotation.refused) {
      row.refused = { outcome: 'failed', ...rotation.refused }
      continue
    }
    if (request.action === 'rotate') judgeAge(services, request, row, ages.get(rotation.path))
    if (request.action === 'undo') judgeUndo(services, request, row, undone.get(rotation.path))
    if (row.refused || !CLAIMING.includes(request.action)) continue
    const holder = await claim(db, {
      environmentId: environment.id,
      path: rotation.path,
      rotationId: id,
      targets: rotation.targets,
      published: rotation.published ?? [],
    })
    if (holder) {
      const where =
        holder.environmentId === environment.id ? `the path ${holder.path}` : 'another environment'
      row.refused = {
        outcome: 'failed',
        code: 'TARGET_TAKEN',
        message: `${holder.target} is rotated by ${where} already; nothing was touched`,
      }
    }
  }
  return rows
}

/** The same path, however a client wrote it. */
function canonical(path: string): string {
  return formatPropertyPath(parsePropertyPath(path))
}
