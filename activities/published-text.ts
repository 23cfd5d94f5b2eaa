/** The text of the next revision: the newest one with the new states in it, sealed, and read back before anybody else. */
import { isDeepStrictEqual } from 'node:util'
import { applyPatches, calls, EditError, sealSecrets, type Patch } from '../language/index.ts'
import { FAILURES, RotationFailure, type FailureCode } from '../model/failures.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { getRevision, type Revision } from '../store/revisions.ts'
import { isStoreAway } from '../store/away.ts'
import { documentOf, evaluateRotateCall, parseDefinition, type EvaluatedCall } from './definition.ts'
import { originOf } from './guarded.ts'
import { credentialOf, newState, statePatch, type NewState } from './patch-states.ts'
import type { ActivityServices } from './services.ts'
import { sideBySide } from './side-by-side.ts'

export interface Publication {
  text: string
  published: { row: Rotation; state: NewState }[]
  /** Their states are no longer in the text. */
  forgotten: Rotation[]
  /** What is decided about them changes no text. */
  decided: Rotation[]
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

/** @throws when the store is away; everything else is the fault of single paths, and holds up no other. */
export async function publishedText(services: ActivityServices, source: Source): Promise<Publication> {
  const failed: Publication['failed'] = []
  const prepared = await sideBySide(source.rotations, (row) =>
    prepareState(services, source, row).catch((error: unknown) => {
      const { code, message } = reasonOf(services, error)
      failed.push({ row, code: code === 'NOT_EVALUATED' ? 'CONFLICT' : code, message })
      return undefined
    }),
  )
  const ready = prepared.filter((one) => one !== undefined)
  const together = await textWith(services, source, ready, ready)
  if (together.text !== undefined)
    return { text: together.text, published: ready, forgotten: [], decided: [], failed }
  let text = source.newest.text
  const published: Ready[] = []
  for (const one of ready) {
    const longer = await textWith(services, source, [...published, one], [one])
    if (longer.text === undefined) failed.push({ row: one.row, ...longer.reason })
    else {
      text = longer.text
      published.push(one)
    }
  }
  return { text, published, forgotten: [], decided: [], failed }
}

type Reason = Pick<Publication['failed'][number], 'code' | 'message'>

/** The text with these states in it, sealed, or why some of them cannot be read back from it. */
async function textWith(
  services: ActivityServices,
  source: Source,
  states: Ready[],
  readBack: Ready[],
): Promise<{ text: string } | { text?: undefined; reason: Reason }> {
  if (states.length === 0) return { text: source.newest.text }
  const { db, keeper } = services.environments
  try {
    const dataKey = await dataKeyOf(db, keeper, source.environment.id)
    const patched = applyPatches(
      source.newest.text,
      states.map(({ patch }) => patch),
    )
    const text = await sealSecrets(patched, (plaintext) =>
      Promise.resolve(dataKey.seal('definition', '', plaintext)),
    )
    if (await allReadBack(services, source, text, readBack)) return { text }
    services.log.error('a new state does not read back from the text')
    return { reason: { code: 'INTERNAL', message: FAILURES.INTERNAL.words } }
  } catch (error) {
    const { code, message } = reasonOf(services, error)
    return {
      reason: { code, message: `the new credential is kept, and not yet in the definition: ${message}` },
    }
  }
}

async function prepareState(services: ActivityServices, source: Source, row: Rotation): Promise<Ready> {
  const { environment, event, newest } = source
  const document = documentOf(environment, newest)
  const call = await evaluateForCommit(services, source, newest, row)
  const fate = call.rotator.withoutTarget ? 'the new value was given to nobody' : 'the new credential is kept'
  if (newest.number !== event.baseRevision) {
    const base = await getRevision(services.environments.db, environment.id, event.baseRevision)
    const planned = base && (await evaluateForCommit(services, source, base, row))
    if (!planned || !isDeepStrictEqual(planned.published, call.published)) {
      throw new RotationFailure('CONFLICT', `the state of this call was edited meanwhile; ${fate}`)
    }
  }
  if (!isDeepStrictEqual(call.targets, row.targets)) {
    throw new RotationFailure('CONFLICT', `this call names another target now; ${fate}`)
  }
  const state = newState(await credentialOf(services, row), call.published, row.previousFrom)
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

/** Every path must read back its new state from the very text that is to be written. */
async function allReadBack(
  services: ActivityServices,
  source: Source,
  text: string,
  ready: Ready[],
): Promise<boolean> {
  const document = parseDefinition(source.environment, text)
  const answers = await sideBySide(ready, async (one) => {
    const { published } = await evaluateRotateCall(services, {
      environment: source.environment,
      login: source.event.login,
      document,
      path: one.row.path,
      rotator: one.row.rotator,
      logins: 'unknown',
    })
    const expected = { current: one.state.current, previous: one.state.previous ?? null }
    return isDeepStrictEqual(published, expected)
  })
  return answers.every(Boolean)
}

/** @throws the error itself when the store is away: that is no reason to leave a credential unpublished. */
export function reasonOf(services: ActivityServices, error: unknown): Reason {
  if (isStoreAway(error)) throw error
  if (error instanceof RotationFailure) return { code: error.code, message: error.message }
  if (error instanceof EditError) return { code: 'NOT_EVALUATED', message: error.message }
  services.log.error(originOf(error), 'a new state could not be written into the definition')
  return { code: 'INTERNAL', message: FAILURES.INTERNAL.words }
}
