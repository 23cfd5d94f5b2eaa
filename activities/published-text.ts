/** The text of the next revision: the newest one with the new states in it, sealed, and read back before anybody else. */
import { isDeepStrictEqual } from 'node:util'
import { calls, sealSecrets, applyPatches, type Patch } from '../language/index.ts'
import { FAILURES, RotationFailure, toRotationFailure, type FailureCode } from '../model/failures.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/journal.ts'
import { getRevision, type Revision } from '../store/revisions.ts'
import { documentOf, evaluateRotateCall, parseDefinition, type EvaluatedCall } from './definition.ts'
import { originOf } from './guarded.ts'
import { credentialOf, newState, statePatch, type NewState } from './patch-states.ts'
import type { ActivityServices } from './services.ts'

export interface Publication {
  text: string
  published: { row: Rotation; state: NewState }[]
  /** Verified, but not to be published: their credentials stay in the journal. */
  failed: { row: Rotation; code: FailureCode; message: string }[]
}

interface Ready {
  row: Rotation
  patch: Patch
  state: NewState
}

interface Source {
  environment: Environment
  event: RotationEvent
  /** The revision that the new text is made from. */
  newest: Revision
  rotations: Rotation[]
}

export async function publishedText(services: ActivityServices, source: Source): Promise<Publication> {
  const { db, keeper } = services.environments
  const failed: Publication['failed'] = []
  let ready: Ready[] = []
  for (const row of source.rotations) {
    try {
      ready.push(await prepareState(services, source, row))
    } catch (error) {
      failed.push({ row, ...reasonOf(services, error, row) })
    }
  }
  const dataKey = await dataKeyOf(db, keeper, source.environment.id)
  while (ready.length > 0) {
    const patched = applyPatches(
      source.newest.text,
      ready.map(({ patch }) => patch),
    )
    const text = await sealSecrets(patched, (plaintext) =>
      Promise.resolve(dataKey.seal('definition', '', plaintext)),
    )
    const unreadable = await findUnreadable(services, source, text, ready)
    if (unreadable.length === 0) return { text, published: ready, failed }
    for (const { row } of unreadable) {
      services.log.error(
        { rotation: row.id },
        'a new state does not read back from the text; it is kept unpublished',
      )
      failed.push({ row, code: 'INTERNAL', message: FAILURES.INTERNAL.words })
    }
    ready = ready.filter((one) => !unreadable.includes(one))
  }
  return { text: source.newest.text, published: [], failed }
}

async function prepareState(services: ActivityServices, source: Source, row: Rotation): Promise<Ready> {
  const { environment, event, newest } = source
  const document = documentOf(environment, newest)
  const call = await evaluateForCommit(services, source, newest, row)
  if (newest.number !== event.baseRevision) {
    const base = await getRevision(services.environments.db, environment.id, event.baseRevision)
    const planned = base && (await evaluateForCommit(services, source, base, row))
    if (!planned || !isDeepStrictEqual(planned.published, call.published)) {
      throw new RotationFailure(
        'CONFLICT',
        'the state of this call was edited meanwhile; the new credential is kept',
      )
    }
  }
  if (!isDeepStrictEqual(call.rotator.targets(call.inputs), row.targets)) {
    throw new RotationFailure('CONFLICT', 'this call names another target now; the new credential is kept')
  }
  const state = newState(await credentialOf(services, row), call.published)
  return { row, patch: statePatch(document, row.path, call, state), state }
}

async function evaluateForCommit(
  services: ActivityServices,
  { environment, event }: Source,
  revision: Revision,
  row: Rotation,
): Promise<EvaluatedCall> {
  const document = documentOf(environment, revision)
  const present = calls(document).find((call) => call.path === row.path)
  if (!present) throw new RotationFailure('CONFLICT', 'the rotate call is no longer in the definition')
  if (present.rotator !== row.rotator) {
    throw new RotationFailure('CONFLICT', 'another rotator stands at this path now')
  }
  return await evaluateRotateCall(services, {
    environment,
    login: event.login,
    document,
    path: row.path,
    rotator: row.rotator,
    logins: 'unknown',
  })
}

/** Every path must read back its new state from the very text that is to be written: those that do not. */
async function findUnreadable(
  services: ActivityServices,
  source: Source,
  text: string,
  ready: Ready[],
): Promise<Ready[]> {
  const document = parseDefinition(source.environment, text)
  const unreadable: Ready[] = []
  for (const one of ready) {
    const { published } = await evaluateRotateCall(services, {
      environment: source.environment,
      login: source.event.login,
      document,
      path: one.row.path,
      rotator: one.row.rotator,
      logins: 'unknown',
    })
    const expected = { current: one.state.current, previous: one.state.previous ?? null }
    if (!isDeepStrictEqual(published, expected)) unreadable.push(one)
  }
  return unreadable
}

function reasonOf(
  services: ActivityServices,
  error: unknown,
  row: Rotation,
): { code: FailureCode; message: string } {
  if (!(error instanceof RotationFailure)) {
    // The store is away, or a defect: neither is a reason to leave a credential unpublished. Try the commit again.
    services.log.error({ rotation: row.id, ...originOf(error) }, 'a state could not be prepared')
    throw error
  }
  const failure = toRotationFailure(error)
  return { code: failure.code === 'NOT_EVALUATED' ? 'CONFLICT' : failure.code, message: failure.message }
}
