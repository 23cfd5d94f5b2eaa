/**
 * A dry run: what a rotation of these paths would do now, found out without changing anything, at the targets or in the
 * journal. The question and the words of the answer are in a row of their own; Temporal gets counts.
 */
import { LoginCache } from '../environments/host.ts'
import type { RotationOutcome } from '../model/outcomes.ts'
import type { RehearsalResult, RehearsedPath } from '../model/rehearsal.ts'
import { findEnvironmentById, type Environment } from '../store/environments.ts'
import { openEvent } from '../store/events.ts'
import { agesOfPaths, type NewRotation } from '../store/journal.ts'
import { databaseTime } from '../store/ping.ts'
import { answerRehearsal, findRehearsal, type Rehearsal } from '../store/rehearsals.ts'
import { rehearseClaims } from '../store/rehearse-claims.ts'
import type { Request } from '../store/requests.ts'
import { getRevision } from '../store/revisions.ts'
import { documentOf } from './definition.ts'
import { draftRotations, finishRotations } from './draft-rotations.ts'
import { beforeLooking, rehearsePath } from './rehearse-path.ts'
import type { ActivityServices } from './services.ts'

export interface RehearsalInput {
  rehearsalId: string
}

/** How many paths would end how. */
export type RehearsalCounts = Partial<Record<RotationOutcome, number>>

/** Paths looked at at the same time. */
const CONCURRENCY = 20
/** Milliseconds for all of them; what is not looked at by then is not told. */
const TIME_FOR_ALL = 90_000

export async function rehearseRotations(
  services: ActivityServices,
  { rehearsalId }: RehearsalInput,
  signal: AbortSignal,
): Promise<RehearsalCounts> {
  const { db } = services.environments
  const asked = await findRehearsal(db, rehearsalId)
  const environment = asked && (await findEnvironmentById(db, asked.environmentId))
  // Nobody waits for it any more.
  if (!asked || !environment || environment.deletedAt) return {}
  const result = await rehearse(services, environment, asked, signal)
  await answerRehearsal(db, rehearsalId, result)
  const counts: RehearsalCounts = {}
  for (const { expected } of result.paths) counts[expected] = (counts[expected] ?? 0) + 1
  services.log.info({ ...counts, refused: result.refused?.code ?? null }, 'a rotation was rehearsed')
  return counts
}

async function rehearse(
  services: ActivityServices,
  environment: Environment,
  asked: Rehearsal,
  signal: AbortSignal,
): Promise<RehearsalResult> {
  const { db } = services.environments
  const request = asRequest(asked)
  const draft = await draftRotations(services, environment, request)
  const event = await openEvent(db, environment.id)
  const result: RehearsalResult = {
    revision: draft.revision,
    underWay: event ? { event: event.id, action: event.action } : null,
    refused: draft.refused ?? null,
    paths: [],
  }
  const revision = await getRevision(db, environment.id, draft.revision)
  if (draft.refused || !revision) return result
  const document = documentOf(environment, revision)
  const rows = await finishRotations(services, db, environment, request, draft, rehearseClaims())
  const loginCache = new LoginCache()
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIME_FOR_ALL)])
  const told = new Map<NewRotation, RehearsedPath>()
  const waiting = [...rows]
  const lane = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      const given = { environment, login: asked.login, document, row, loginCache, signal: deadline }
      told.set(row, await inTime(services, given))
      signal.throwIfAborted()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, lane))
  result.paths = rows.map((row) => told.get(row)!)
  await tellUntilWhen(services, environment, result.paths)
  followDependencies(rows, result.paths)
  return result
}

async function inTime(
  services: ActivityServices,
  given: Parameters<typeof rehearsePath>[1],
): Promise<RehearsedPath> {
  const notLookedAt = (): RehearsedPath => ({
    ...beforeLooking(given.row),
    expected: 'unknown',
    message: 'there was no time left to look at it; ask for fewer paths',
  })
  if (given.signal.aborted) return notLookedAt()
  try {
    return await rehearsePath(services, given)
  } catch (error) {
    if (!given.signal.aborted) throw error
    return notLookedAt()
  }
}

/** By the store's clock, as the plan compares them. */
async function tellUntilWhen(
  services: ActivityServices,
  environment: Environment,
  paths: RehearsedPath[],
): Promise<void> {
  const early = paths.filter(({ code }) => code === 'TOO_SOON')
  if (early.length === 0) return
  const { db } = services.environments
  const now = (await databaseTime(db)).getTime()
  const ages = await agesOfPaths(db, environment.id)
  for (const path of early) {
    const rotatedAt = now - (ages.get(path.path) ?? 0)
    path.notBefore = new Date(rotatedAt + services.limits.minManualAge).toISOString()
  }
}

/** A rotation whose inputs use a credential of the same event comes after that one, and sees its new value. */
function followDependencies(rows: NewRotation[], paths: RehearsedPath[]): void {
  const pathOf = new Map(rows.map((row, index) => [row.id, paths[index]!]))
  // What depends on others names all of them, those reached through others too: one round is enough.
  const needing = rows
    .filter(({ dependsOn, refused }) => dependsOn.length > 0 && !refused)
    .map((row) => ({
      told: pathOf.get(row.id)!,
      needed: row.dependsOn.flatMap((id) => pathOf.get(id) ?? []),
    }))
  for (const { told, needed } of needing) {
    const unrotated = needed.find(({ isFirst }) => isFirst)
    if (!unrotated || told.expected !== 'failed') continue
    const message = `its inputs use ${unrotated.path}, which has not been rotated yet: only then can it be looked at`
    Object.assign(told, { expected: 'unknown', code: null, message })
  }
  const failing = new Set(paths.filter(({ expected }) => expected === 'failed'))
  for (const { told, needed } of needing) {
    const failed = needed.find((other) => failing.has(other))
    if (failed) {
      const message = `its inputs use ${failed.path}, whose rotation would not succeed`
      Object.assign(told, { expected: 'failed', code: 'NOT_EVALUATED', message, writes: null, first: [] })
    } else if (told.expected === 'succeeded')
      told.warnings.push(
        `its inputs use ${needed[0]?.path}, and were looked at with the credential that is published now`,
      )
  }
}

function asRequest({ id, environmentId, login, paths, force }: Rehearsal): Request {
  return {
    id,
    environmentId,
    trigger: 'manual',
    action: 'rotate',
    subject: {},
    login,
    paths,
    force,
    scheduleId: null,
    dueAt: null,
    status: 'waiting',
    eventId: id,
    message: null,
    createdAt: new Date(),
  }
}
