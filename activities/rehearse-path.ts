/**
 * One path of a dry run: evaluated and asked at the target as its rotation would, up to where that would begin to write.
 * Has no row in the journal, so whatever would write a step finds nothing to write to.
 */
import { randomUUID } from 'node:crypto'
import { redactWords } from '../environments/secret-inputs.ts'
import type { LoginCache } from '../environments/host.ts'
import type { Document } from '../language/index.ts'
import { isFailureCode, RotationFailure, toRotationFailure } from '../model/failures.ts'
import type { RehearsedPath } from '../model/rehearsal.ts'
import type { Rehearsal } from '../rotators/rotator.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import type { NewRotation } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { unsettledRotations } from '../store/unsettled.ts'
import { isStoreAway } from '../store/away.ts'
import { Attempt } from './attempt.ts'
import { evaluateRotateCall, type EvaluatedCall } from './definition.ts'
import { originOf } from './guarded.ts'
import { testPublished } from './prepare-change.ts'
import { rehearseSettling } from './rehearse-settling.ts'
import type { ActivityServices } from './services.ts'

export interface PathToRehearse {
  environment: Environment
  login: string
  document: Document
  row: NewRotation
  loginCache: LoginCache
  signal: AbortSignal
}

/** @throws when the store is away, or the signal fired */
export async function rehearsePath(
  services: ActivityServices,
  given: PathToRehearse,
): Promise<RehearsedPath> {
  const { row } = given
  const told = beforeLooking(row)
  if (row.refused) return told
  let secrets: string[] = []
  try {
    const { environment, login, document, loginCache } = given
    const { path, rotator } = row
    const logins = { logins: 'open', loginCache } as const
    const call = await evaluateRotateCall(services, {
      environment,
      login,
      document,
      path,
      rotator,
      ...logins,
    })
    secrets = call.secrets
    told.isFirst = call.published.current === null
    await askTarget(services, given, call, told)
  } catch (error) {
    if (isStoreAway(error) || given.signal.aborted) throw error
    if (!(error instanceof RotationFailure))
      services.log.error(originOf(error), 'a path could not be rehearsed')
    const { code, message } = toRotationFailure(error)
    Object.assign(told, { expected: 'failed', code, message, writes: null, first: [] })
  }
  const clean = (words: string) => redactWords(words, secrets)
  return {
    ...told,
    message: told.message === null ? null : clean(told.message),
    writes: told.writes === null ? null : clean(told.writes),
    first: told.first.map(clean),
    unsettled: told.unsettled.map(({ rotation, words }) => ({ rotation, words: clean(words) })),
    warnings: told.warnings.map(clean),
  }
}

async function askTarget(
  services: ActivityServices,
  { environment, row, signal }: PathToRehearse,
  call: EvaluatedCall,
  told: RehearsedPath,
): Promise<void> {
  const { db, keeper } = services.environments
  const dataKey = await dataKeyOf(db, keeper, environment.id)
  const attempt = new Attempt(services, unwritten(row), call, { dataKey, signal })
  // Of those that are under way the event itself tells; only what was left behind comes first.
  const earlier = (await unsettledRotations(db, row.targets, attempt.row.id)).filter(
    ({ outcome }) => outcome !== null,
  )
  let publishes: string | undefined
  for (const one of earlier) {
    if (publishes !== undefined) {
      told.unsettled.push({ rotation: one.id, words: 'it would be closed: a newer one takes its place' })
      continue
    }
    const would = await rehearseSettling(attempt, one)
    told.unsettled.push({ rotation: one.id, words: would.words })
    publishes = would.publishes
  }
  const [tested, rehearsed] = await Promise.allSettled([
    testPublished(attempt),
    publishes === undefined ? attempt.ask(() => rehearse(attempt)) : null,
  ])
  if (tested.status === 'rejected') throw tested.reason
  if (rehearsed.status === 'rejected') throw rehearsed.reason
  told.writes = rehearsed.value?.writes ?? null
  told.first = rehearsed.value?.first ?? []
  told.warnings.push(...(rehearsed.value?.warnings ?? []))
}

async function rehearse(attempt: Attempt): Promise<Rehearsal> {
  const { rotator, inputs, published } = attempt.call
  // Nothing that changes anything can be sent with it: its moment for sending is long past.
  const context = attempt.context()
  if (rotator.rehearse) return await rotator.rehearse(inputs, published, context)
  const prepared: unknown = await rotator.prepare(inputs, published, context)
  const candidate: unknown = rotator.candidate(prepared)
  const writes = candidate === null ? 'a new credential' : rotator.identity(candidate)
  return { writes, first: [], warnings: [] }
}

/** What is known of a path before anybody is asked. */
export function beforeLooking(row: NewRotation): RehearsedPath {
  return {
    path: row.path,
    rotator: row.rotator,
    targets: row.targets,
    expected: row.refused?.outcome ?? 'succeeded',
    code: row.refused && isFailureCode(row.refused.code) ? row.refused.code : null,
    message: row.refused?.message ?? null,
    notBefore: null,
    isFirst: false,
    writes: null,
    first: [],
    unsettled: [],
    warnings: [...row.warnings],
  }
}

/** A row as the plan would write it, with an id that nothing in the store has. */
function unwritten(row: NewRotation): Rotation {
  return {
    ...row,
    id: randomUUID(),
    step: 'planned',
    outcome: null,
    failureCode: null,
    message: null,
    fence: '0',
    prepared: null,
    credential: null,
    previousFrom: 'current',
    burnt: null,
    burntCount: 0,
    sentUntil: null,
    verifiedAt: null,
    settledAt: null,
    budgetUsed: 0,
  }
}
