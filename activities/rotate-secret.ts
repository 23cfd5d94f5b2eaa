/**
 * One path: settle → prepare → apply → verify, each step written down before the next, so that any attempt goes on
 * where the last one was lost. Publishing is the commit's.
 */
import { isDeepStrictEqual } from 'node:util'
import { documentAt } from '../environments/documents.ts'
import type { FailureCode } from '../model/failures.ts'
import { isFailureCode, RotationFailure } from '../model/failures.ts'
import type { RotationOutcome } from '../model/outcomes.ts'
import { dataKeyOf, findEnvironmentById } from '../store/environments.ts'
import { findEventRow, type RotationEvent } from '../store/events.ts'
import { advance, enterRotation, rotationsOf, StaleAttempt } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import type { Step } from '../telemetry/rotation-metrics.ts'
import { applyChange } from './apply-change.ts'
import { Attempt, isRefusedLogin } from './attempt.ts'
import { carryOut } from './carry-out.ts'
import { codeFailure } from './guarded.ts'
import { concludeFailure } from './conclude-failure.ts'
import {
  documentOf,
  evaluateRotateCall,
  knownDocument,
  parseDefinition,
  type EvaluatedCall,
} from './definition.ts'
import { loginsOfEvent } from './logins-of-event.ts'
import { observeStep, withIds } from './observe.ts'
import { demandNoOlderStore } from './older-store.ts'
import { patchStates } from './patch-states.ts'
import { prepareChange } from './prepare-change.ts'
import type { ActivityServices } from './services.ts'
import { settleEarlier } from './settle-earlier.ts'
import { verifyChange } from './verify-change.ts'

export interface RotateInput {
  rotationId: string
  /** The run was cancelled before this path began: close it, unless it has begun. */
  cancelled?: boolean
}

export interface PathResult {
  path: string
  outcome: RotationOutcome
  code: FailureCode | null
}

/** What Temporal says of this attempt. */
export interface AttemptInfo {
  signal: AbortSignal
  number: number
}

export async function rotateSecret(
  given: ActivityServices,
  input: RotateInput,
  info: AttemptInfo,
): Promise<PathResult> {
  const row = await enterRotation(given.environments.db, input.rotationId)
  // A store older than Temporal knows no such row: then there is nothing that this run may touch.
  if (!row) throw codeFailure('INTERNAL', { nonRetryable: true })
  if (row.outcome) return resultOf(row)
  const services = withIds(given, { eventId: row.eventId, environmentId: row.environmentId })
  const startedAt = performance.now()
  const running: { row: Rotation; attempt?: Attempt } = { row }
  try {
    if (input.cancelled && row.step === 'planned') throw new RotationFailure('CANCELLED')
    await demandNoOlderStore(services, row.environmentId)
    const event = await findEventRow(services.environments.db, row.eventId)
    if (!event) throw new RotationFailure('INTERNAL')
    if (event.action !== 'rotate') {
      const done = await carryOut(services, row, event, info.signal)
      return done.outcome ? resultOf(done) : { path: row.path, outcome: 'succeeded', code: null }
    }
    await services.at('rotate: entered')
    const call = await evaluate(services, row, event)
    await services.at('rotate: evaluated')
    const dataKey = await dataKeyOf(services.environments.db, services.environments.keeper, row.environmentId)
    const options = { dataKey, signal: info.signal }
    const attempt = (running.attempt = new Attempt(services, row, call, options))
    return await goOn(attempt).catch(async (error: unknown) => {
      if (!isRefusedLogin(error) || !call.dropLogins()) throw error
      // It expired while it was used, or was taken back: made anew, once, the row tells where to go on.
      running.attempt = new Attempt(services, attempt.row, await evaluate(services, row, event), options)
      return await goOn(running.attempt)
    })
  } catch (error) {
    if (error instanceof StaleAttempt) throw error
    const concluded = await concludeFailure(services, error, {
      ...running,
      startedAt,
      attemptNumber: info.number,
    })
    if (concluded === 'it works after all' && running.attempt) return await goOn(running.attempt)
    return resultOf(concluded === 'it works after all' ? running.row : concluded)
  }
}

async function goOn(attempt: Attempt): Promise<PathResult> {
  const { at } = attempt.services
  const step = (name: Step, work: (attempt: Attempt) => Promise<unknown>) =>
    observeStep(attempt.services, name, attempt.row, () => work(attempt))
  for (;;) {
    switch (attempt.row.step) {
      case 'planned':
        await at('settle')
        await step('settle', settleEarlier)
        if (attempt.row.step === 'planned') await step('prepare', prepareChange)
        await at('prepared')
        break
      case 'prepared':
        await step('apply', applyChange)
        await at('applied')
        break
      case 'applied':
        await step('verify', verifyChange)
        await at('verified')
        return { path: attempt.row.path, outcome: 'succeeded', code: null }
      case 'verified':
        // Asked again: an answer of ours was lost, or the commit came late.
        await step('verify', verifyChange)
        return { path: attempt.row.path, outcome: 'succeeded', code: null }
      default:
        return resultOf(attempt.row)
    }
  }
}

/** The call on the plan's revision, with the new states of the rotations of this event that it depends on. */
async function evaluate(
  services: ActivityServices,
  row: Rotation,
  event: RotationEvent,
): Promise<EvaluatedCall> {
  const { db } = services.environments
  const environment = await findEnvironmentById(db, row.environmentId)
  if (!environment) throw new RotationFailure('INTERNAL')
  const number = event.baseRevision
  const readText = async () => {
    const name = `${environment.project}/${environment.name}`
    const stored = await documentAt(services.environments, { environmentId: environment.id, number, name })
    if (!stored) throw new RotationFailure('INTERNAL')
    return stored.text
  }
  const all = row.dependsOn.length === 0 ? [] : await rotationsOf(db, row.eventId)
  const needed = all.filter((other) => row.dependsOn.includes(other.id))
  const rotated = needed.filter((other) => other.step === 'verified' && other.outcome === null)
  const failed = needed.find((other) => other.outcome !== 'skipped' && !rotated.includes(other))
  if (failed) {
    throw new RotationFailure(
      'NOT_EVALUATED',
      `its inputs use ${failed.path}, whose rotation did not succeed`,
    )
  }
  const document =
    rotated.length > 0
      ? parseDefinition(
          environment,
          await patchStates(services, environment, event, await readText(), rotated),
        )
      : (knownDocument(environment.id, number) ?? documentOf(environment, { number, text: await readText() }))
  const call = await evaluateRotateCall(services, {
    environment,
    login: event.login,
    document,
    path: row.path,
    rotator: row.rotator,
    logins: 'open',
    loginCache: loginsOfEvent(row.eventId, rotated.length),
  })
  // What is imported may have changed since the plan: a target that was not claimed may be somebody else's.
  if (!isDeepStrictEqual(call.targets, row.targets)) {
    throw new RotationFailure(
      'CONFLICT',
      'what this call imports changed meanwhile, and it names another target now; nothing was touched there',
    )
  }
  return call
}

/** Closes a row whose attempt will not come: the workflow gave up on it. */
export async function closeUnfinished(services: ActivityServices, row: Rotation): Promise<Rotation> {
  const { db } = services.environments
  const entered = await enterRotation(db, row.id)
  if (!entered || entered.outcome) return entered ?? row
  const sent = entered.sentUntil !== null
  return await advance(db, entered, {
    outcome: sent ? 'unknown' : 'failed',
    failureCode: sent ? 'OUTCOME_UNKNOWN' : 'INTERNAL',
    message: null,
  })
}

function resultOf(row: Rotation): PathResult {
  return {
    path: row.path,
    outcome: row.outcome ?? 'unknown',
    code: isFailureCode(row.failureCode) ? row.failureCode : null,
  }
}
