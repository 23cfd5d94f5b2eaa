/**
 * Decides what a run does: takes up the occasion, picks the oldest waiting request, evaluates what it asks for, and in
 * one transaction opens the event with its journal rows and claims. Touches nothing outside. Safe to repeat.
 */
import { actionDetails, ACTIONS_ON_TOMBSTONES } from '../model/actions.ts'
import { inTransaction } from '../store/transaction.ts'
import {
  completeEvent,
  findEventRow,
  insertEvent,
  openEvent,
  setDriver,
  type RotationEvent,
} from '../store/events.ts'
import { insertRotations, rotationsOf } from '../store/journal.ts'
import { lockEnvironment, type Environment } from '../store/environments.ts'
import { appendAudit } from '../store/audit.ts'
import { expireRequests, lockRequest, markServed, oldestWaiting, type Request } from '../store/requests.ts'
import type { Queryable } from '../store/database.ts'
import type { FailureCode } from '../model/failures.ts'
import type { RotationOutcome } from '../model/outcomes.ts'
import { draftAction } from './draft-action.ts'
import { draftRotations, finishRotations, type Draft } from './draft-rotations.ts'
import { eventBegan, eventRefused, type BegunEvent } from './observe.ts'
import { takeOccasion, type Occasion } from './occasion.ts'
import type { ActivityServices } from './services.ts'
import { whyUnwanted } from './why-unwanted.ts'

export type { Occasion } from './occasion.ts'

export interface PlanInput {
  environmentId: string
  /** The run that drives the event from now on. */
  workflowId: string
  runId: string
  occasion: Occasion
}

export interface PlannedRotation {
  id: string
  path: string
  rotator: string
  /** Rotations of this event that end before this one begins; they stand before it in the list. */
  dependsOn: string[]
  /** Set where it ended before it began: refused or skipped. */
  outcome: RotationOutcome | null
  code: string | null
}

/** An event that was closed before it began: nobody may do it, or the definition cannot be evaluated. */
export interface RefusedEvent {
  eventId: string
  environment: string
  trigger: string
  code: FailureCode
}

export type Plan = (
  | { kind: 'idle'; reason: 'no request' | 'joined' | 'not due' }
  | { kind: 'event'; eventId: string; environment: string; trigger: string; rotations: PlannedRotation[] }
) & {
  /** Events that this plan closed, oldest first. */
  refused?: RefusedEvent[]
  /** Those that the workflow may set now. */
  searchAttributes?: readonly string[]
}

export async function planRotation(services: ActivityServices, input: PlanInput): Promise<Plan> {
  const { db } = services.environments
  const declined = await takeOccasion(services, input.environmentId, input.occasion)
  if (declined) return { kind: 'idle', reason: 'not due' }
  await services.at('plan: occasion taken')
  const refused: RefusedEvent[] = []
  for (;;) {
    const chosen = await inTransaction(db, (transaction) => choose(transaction, input))
    if (chosen.kind !== 'request') return withRefused(chosen.plan, refused)
    await services.at('plan: request chosen')
    const makeDraft = chosen.request.action === 'rotate' ? draftRotations : draftAction
    const draft = await makeDraft(services, chosen.environment, chosen.request)
    await services.at('plan: drafted')
    let began: BegunEvent | undefined
    const opened = await inTransaction(db, (transaction) =>
      openDraft(services, transaction, input, chosen.request, draft, (event) => (began = event)),
    )
    await services.at('plan: opened')
    if (began) eventBegan(services, began)
    if (opened && 'code' in opened) {
      eventRefused(services, { ...opened, action: chosen.request.action })
      refused.push(opened)
    } else if (opened) return withRefused(opened, refused)
  }
}

function withRefused(plan: Plan, refused: RefusedEvent[]): Plan {
  return refused.length > 0 ? { ...plan, refused: refused.slice(-20) } : plan
}

type Choice = { kind: 'plan'; plan: Plan } | { kind: 'request'; environment: Environment; request: Request }

async function choose(db: Queryable, input: PlanInput): Promise<Choice> {
  const environment = await lockEnvironment(db, input.environmentId)
  const nothing: Choice = { kind: 'plan', plan: { kind: 'idle', reason: 'no request' } }
  if (!environment) return nothing
  const event = await openEvent(db, input.environmentId)
  if (event) {
    if (event.workflowId !== input.workflowId)
      return { kind: 'plan', plan: { kind: 'idle', reason: 'joined' } }
    await setDriver(db, event.id, input.workflowId, input.runId)
    return { kind: 'plan', plan: await planOf(db, environment, event) }
  }
  for (;;) {
    const request = await oldestWaiting(db, input.environmentId)
    if (!request) return nothing
    if (environment.deletedAt && !ACTIONS_ON_TOMBSTONES.includes(request.action)) {
      await expireRequests(db, { id: request.id }, 'the environment was deleted')
      continue
    }
    const unwanted = await whyUnwanted(db, request)
    if (unwanted === null) return { kind: 'request', environment, request }
    await expireRequests(db, { id: request.id }, unwanted)
  }
}

/** Opens the event as drafted; undefined when the world moved meanwhile and it must be drafted again. */
async function openDraft(
  services: ActivityServices,
  db: Queryable,
  input: PlanInput,
  request: Request,
  draft: Draft,
  onBegin: (event: BegunEvent) => void,
): Promise<Plan | RefusedEvent | undefined> {
  const environment = await lockEnvironment(db, input.environmentId)
  const current = await lockRequest(db, request.id)
  if (!environment || current?.status !== 'waiting') return undefined
  if (environment.deletedAt && !ACTIONS_ON_TOMBSTONES.includes(request.action)) return undefined
  if (environment.newestRevision !== draft.revision || (await openEvent(db, environment.id))) return undefined
  // While it was drafted, its schedule may have been paused or removed: what chooses among requests ends it.
  if ((await whyUnwanted(db, current)) !== null) return undefined
  await insertEvent(db, {
    id: request.eventId,
    environmentId: environment.id,
    trigger: request.trigger,
    action: request.action,
    subject: request.subject,
    login: request.login,
    paths: request.paths,
    force: request.force,
    scheduleId: request.scheduleId,
    dueAt: request.dueAt,
    baseRevision: draft.revision,
    workflowId: input.workflowId,
    runId: input.runId,
  })
  await insertRotations(db, await finishRotations(services, db, environment, request, draft))
  await markServed(db, request.eventId)
  await appendAudit(db, {
    actor: request.login,
    action: 'rotation.begin',
    organization: environment.organization,
    environmentId: environment.id,
    details: { event: request.eventId, trigger: request.trigger, ...actionDetails(request) },
  })
  if (draft.refused) {
    await completeEvent(db, request.eventId, {
      outcome: 'failed',
      failureCode: draft.refused.code,
      message: draft.refused.message,
    })
    const { eventId, trigger } = request
    return { eventId, trigger, environment: fullName(environment), code: draft.refused.code }
  }
  const event = await findEventRow(db, request.eventId)
  const plan = event && (await planOf(db, environment, event))
  if (plan) onBegin({ ...event, rotations: plan.rotations })
  return plan
}

async function planOf(
  db: Queryable,
  environment: Environment,
  event: RotationEvent,
): Promise<Plan & { kind: 'event' }> {
  const rotations = await rotationsOf(db, event.id)
  const planned = rotations.map((rotation) => ({
    id: rotation.id,
    path: rotation.path,
    rotator: rotation.rotator,
    dependsOn: rotation.dependsOn,
    outcome: rotation.outcome,
    code: rotation.failureCode,
  }))
  return {
    kind: 'event',
    eventId: event.id,
    environment: fullName(environment),
    trigger: event.trigger,
    rotations: inOrder(planned),
  }
}

function fullName({ organization, project, name }: Environment): string {
  return `${organization}/${project}/${name}`
}

/** Dependencies first; otherwise by path, so that every attempt at this plan gives the same order. */
function inOrder(rotations: PlannedRotation[]): PlannedRotation[] {
  const ordered: PlannedRotation[] = []
  const visit = (rotation: PlannedRotation) => {
    if (ordered.includes(rotation)) return
    for (const id of rotation.dependsOn) {
      const needed = rotations.find((other) => other.id === id)
      if (needed) visit(needed)
    }
    ordered.push(rotation)
  }
  for (const rotation of rotations) visit(rotation)
  return ordered
}
