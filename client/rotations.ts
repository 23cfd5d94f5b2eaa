/**
 * Asking for rotations and waiting for them. A request is written first and Temporal is woken after, so nothing that
 * happens to Temporal, to a worker or to this process loses it.
 */
import { WithStartWorkflowOperation, type Client } from '@temporalio/client'
import { actionDetails, ACTIONS_ON_TOMBSTONES, type Action, type Subject } from '../model/actions.ts'
import { Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database } from '../store/database.ts'
import { lockEnvironment } from '../store/environments.ts'
import { findEvent } from '../store/events.ts'
import type { EventListener } from '../store/notifications.ts'
import { findByEvent, findByKey, insertRequest, type Request } from '../store/requests.ts'
import { inTransaction } from '../store/transaction.ts'
import { requestRotation, type RotateEnvironmentInput } from '../workflows/messages.ts'
import { runTexts, type Described } from '../workflows/operator-texts.ts'
import { pingTemporal } from './connect.ts'

export interface RotationsClient {
  client: Client
  db: Database
  taskQueue: string
  listener: EventListener
  /** Handed to the workflows that are started; absent for their own. */
  limits?: NonNullable<RotateEnvironmentInput['limits']>
}

export interface RotationRequest {
  environmentId: string
  login: string
  trigger: 'manual'
  /** Null: every rotate call of the definition. */
  paths: string[] | null
  force: boolean
  requestKey: string | null
  /** `rotate` where absent. */
  action?: Action
  /** What the action is about, beside the paths. */
  subject?: Subject
}

/** Milliseconds that a worker has to say that it heard of a request; without it the request waits all the same. */
const WAKE_DEADLINE = 5_000
/** Behind the notifications, which may get lost. */
const POLL_EVERY = 2_000

/** The one workflow of an environment that serves requests. */
export function rotationWorkflowId(environmentId: string): string {
  return `rotate/${environmentId}`
}

/**
 * Writes a request and wakes its workflow.
 * @returns the event that will serve it, which may be one that is under way.
 * @throws Refusal not-found, mismatch; unavailable when Temporal is away (the request stays, and is begun later).
 */
export async function request(on: RotationsClient, asked: RotationRequest): Promise<{ eventId: string }> {
  const { written, name } = await inTransaction(on.db, async (db) => {
    const environment = await lockEnvironment(db, asked.environmentId)
    const { action = 'rotate', subject = {} } = asked
    if (!environment || (environment.deletedAt && !ACTIONS_ON_TOMBSTONES.includes(action)))
      throw new Refusal('not-found', 'the environment does not exist any more')
    // Nobody may use up the key of a due time or of a signal.
    const requestKey = asked.requestKey === null ? null : clientKey(asked.requestKey)
    const row: Request = await insertRequest(db, { ...asked, requestKey })
    await appendAudit(db, {
      actor: asked.login,
      action: 'rotation.request',
      organization: environment.organization,
      environmentId: environment.id,
      details: {
        event: row.eventId,
        paths: asked.paths,
        force: asked.force,
        ...actionDetails({ action, subject }),
      },
    })
    return { written: row, name: `${environment.organization}/${environment.project}/${environment.name}` }
  })
  if (written.status === 'waiting')
    await wake(on, { environmentId: asked.environmentId, environmentName: name }, 'manual')
  return { eventId: written.eventId }
}

/** True when this key has begun something in this environment before. */
export async function isKnown(
  on: RotationsClient,
  environmentId: string,
  requestKey: string,
): Promise<boolean> {
  return (await findByKey(on.db, environmentId, clientKey(requestKey))) !== undefined
}

function clientKey(requestKey: string): string {
  return `client/${requestKey}`
}

/** Has a workflow look for waiting requests; `why`, in a few words. @throws Refusal unavailable when Temporal is away. */
export async function wake(on: RotationsClient, environment: Described, why: string): Promise<void> {
  const { environmentId } = environment
  const input: RotateEnvironmentInput = { environmentId, ...(on.limits && { limits: on.limits }) }
  const operation = new WithStartWorkflowOperation('rotateEnvironment', {
    workflowId: rotationWorkflowId(environmentId),
    taskQueue: on.taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    ...runTexts(environment, why),
  })
  try {
    await on.client.connection.withDeadline(Date.now() + WAKE_DEADLINE, () =>
      on.client.workflow.startUpdateWithStart(requestRotation, {
        startWorkflowOperation: operation,
        waitForStage: 'ACCEPTED',
      }),
    )
  } catch {
    // No answer in time is no refusal: without a worker the workflow starts and waits for one.
    try {
      await pingTemporal(on.client)
    } catch {
      throw new Refusal(
        'unavailable',
        'Temporal is away. The request is kept and begins when Temporal is back; ask again to wait for it',
      )
    }
  }
}

/**
 * Resolves when the event is completed.
 * @throws Refusal unavailable when its request expired before it began; whatever reason the signal gives.
 */
export async function wait(on: RotationsClient, eventId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    // Listening begins before the look, so that nothing falls in between.
    const announced = on.listener.next(eventId, POLL_EVERY, signal)
    if ((await findEvent(on.db, eventId))?.completedAt) return
    const begun = await findByEvent(on.db, eventId)
    if (begun?.status === 'expired') {
      throw new Refusal('unavailable', begun.message ?? 'the rotation was not begun in time; ask again')
    }
    await announced
  }
}

/** Starts a run for a due time that no tick served. The id is the one Temporal would have given to that tick. */
export async function startLateRun(
  on: Pick<RotationsClient, 'client' | 'taskQueue' | 'limits'>,
  late: { environmentId: string; scheduleId: string; dueAt: Date; environmentName: string },
): Promise<void> {
  const due = late.dueAt.toISOString()
  const input: RotateEnvironmentInput = {
    environmentId: late.environmentId,
    scheduleId: late.scheduleId,
    dueAt: due,
    ...(on.limits && { limits: on.limits }),
  }
  await on.client.connection.withDeadline(Date.now() + WAKE_DEADLINE, () =>
    on.client.workflow.start('rotateEnvironment', {
      workflowId: `${rotationWorkflowId(late.environmentId)}-${due.replace(/\.\d+Z$/, 'Z')}`,
      taskQueue: on.taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      ...runTexts(late, 'schedule, late'),
    }),
  )
}
