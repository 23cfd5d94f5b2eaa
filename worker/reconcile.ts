/**
 * Compares the store with Temporal and takes up what fell between them: open events whose workflow is gone, requests
 * that nobody serves, later tries that are due, due times that no tick served. Everything it does may be done twice.
 */
import { WorkflowNotFoundError } from '@temporalio/client'
import type { Logger } from 'pino'
import { originOf } from '../activities/guarded.ts'
import { rotationWorkflowId, startLateRun, wake, type RotationsClient } from '../client/rotations.ts'
import { findEnvironmentById, type Environment } from '../store/environments.ts'
import { openEvents, setDriver, type RotationEvent } from '../store/events.ts'
import { databaseTime } from '../store/ping.ts'
import { newestServedDue, overdueSchedules, readDueTimes } from '../store/due-times.ts'
import { expireRequests, unservedRequests } from '../store/requests.ts'
import { deleteExpiredSessions } from '../store/sessions.ts'
import { activeSchedules, type Schedule } from '../store/schedules.ts'
import type { Described } from '../workflows/operator-texts.ts'
import { beginRetries } from './begin-retries.ts'

export interface ReconcileOptions extends RotationsClient {
  log: Logger
  /** Milliseconds; 0 for never. */
  requestExpiry: number
}

/** A request or a tick that is younger has somebody who is about to serve it. In milliseconds. */
const GRACE = 15_000
/** Taken up at once: Temporal may need seconds for each. */
const AT_ONCE = 8

/**
 * One round. @throws when the store or Temporal is away, or the signal fires; the next round does it all.
 */
export async function reconcile(options: ReconcileOptions, signal?: AbortSignal): Promise<void> {
  await each(options, await openEvents(options.db), (event) => takeUp(options, event), signal)
  await serveWaiting(options, signal)
  await beginRetries(options)
  signal?.throwIfAborted()
  // By the store's clock: a worker whose own is fast must not run what is not due yet.
  const now = await databaseTime(options.db)
  const overdue = new Set((await overdueSchedules(options.db, GRACE)).map(({ scheduleId }) => scheduleId))
  const schedules = overdue.size > 0 ? await activeSchedules(options.db) : []
  const late = schedules.filter(({ id }) => overdue.has(id))
  await each(options, late, (schedule) => serveMissedDue(options, schedule, now), signal)
  await deleteExpiredSessions(options.db)
}

/**
 * One that cannot be served now, or that is waited for, must not keep the others from it; the next round comes back to
 * it. @throws when the signal fires
 */
async function each<T>(
  options: ReconcileOptions,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = [...items]
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
      signal?.throwIfAborted()
      try {
        await work(item)
      } catch (error) {
        options.log.warn(originOf(error), 'something left behind could not be taken up; it is tried again')
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rest.length) }, lane))
}

async function takeUp(options: ReconcileOptions, event: RotationEvent): Promise<void> {
  if (await isRunning(options, event.workflowId)) return
  const workflowId = rotationWorkflowId(event.environmentId)
  options.log.warn(
    { eventId: event.id, environmentId: event.environmentId },
    'an open event has no workflow any more; it is taken up again',
  )
  await setDriver(options.db, event.id, workflowId, event.runId)
  await wake(options, await describe(options, event.environmentId), 'taken up again')
}

async function isRunning(options: ReconcileOptions, workflowId: string): Promise<boolean> {
  try {
    const { status } = await options.client.connection.withDeadline(Date.now() + GRACE, () =>
      options.client.workflow.getHandle(workflowId).describe(),
    )
    return status.name === 'RUNNING'
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}

async function serveWaiting(options: ReconcileOptions, signal?: AbortSignal): Promise<void> {
  const waiting = await unservedRequests(options.db, GRACE)
  const environments = new Set<string>()
  for (const request of waiting) {
    // Nobody asks again for a due time, nor for a later try: it runs after an outage of any length.
    const mayExpire =
      request.trigger !== 'schedule' && request.trigger !== 'retry' && options.requestExpiry > 0
    if (mayExpire && request.age > options.requestExpiry) {
      options.log.warn(
        { eventId: request.eventId, environmentId: request.environmentId },
        'a request was never begun and has expired',
      )
      await expireRequests(options.db, { id: request.id }, 'no worker began this rotation in time; ask again')
    } else environments.add(request.environmentId)
  }
  await each(
    options,
    environments,
    async (environmentId) => wake(options, await describe(options, environmentId), 'waiting requests'),
    signal,
  )
}

/** Runs the newest due time that nobody served, once; its plan records those before it as missed. */
async function serveMissedDue(options: ReconcileOptions, schedule: Schedule, now: Date): Promise<void> {
  const environment = await findEnvironmentById(options.db, schedule.environmentId)
  if (!environment || environment.deletedAt) return
  const served = await newestServedDue(options.db, schedule.id)
  const since = Math.max(schedule.effectiveAt.getTime(), served?.getTime() ?? 0)
  const due = readDueTimes(schedule, schedule.environmentId)?.previous(new Date(now.getTime() - GRACE))
  if (!due || due.getTime() <= since) return
  options.log.warn(
    { scheduleId: schedule.id, environmentId: schedule.environmentId, due: due.toISOString() },
    'a due time was not served; it is run now',
  )
  await startLateRun(options, {
    environmentId: schedule.environmentId,
    scheduleId: schedule.id,
    dueAt: due,
    environmentName: fullName(environment),
  })
}

async function describe(options: ReconcileOptions, environmentId: string): Promise<Described> {
  const environment = await findEnvironmentById(options.db, environmentId)
  return { environmentId, environmentName: environment ? fullName(environment) : environmentId }
}

function fullName(environment: Environment): string {
  return `${environment.organization}/${environment.project}/${environment.name}`
}
