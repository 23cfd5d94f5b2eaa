/**
 * What operators see of a rotation: log lines that carry its ids, counts, durations, spans. Ids and codes only, no path
 * and no words; what is seen changes nothing of what is done.
 */
import { activityInfo } from '@temporalio/activity'
import type { Action } from '../model/actions.ts'
import type { EventWithRotations, RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { NO_ROTATION_METRICS, type RotationMetrics, type Step } from '../telemetry/rotation-metrics.ts'
import { codeOf, NO_TRACING, traced, type Attributes, type Tracing } from '../telemetry/tracing.ts'
import type { ActivityServices } from './services.ts'

export interface RotationTelemetry {
  metrics: RotationMetrics
  tracing: Tracing
}

const NONE: RotationTelemetry = { metrics: NO_ROTATION_METRICS, tracing: NO_TRACING }

/** Ids by the names that they have in every log line. */
export interface Ids {
  environmentId?: string
  eventId?: string
  rotationId?: string
}

/** For what runs inside an activity of Temporal. */
export function inActivity(services: ActivityServices, activity: string, ids: Ids): ActivityServices {
  const { workflowExecution, attempt } = activityInfo()
  const { workflowId, runId } = workflowExecution ?? {}
  return { ...services, log: services.log.child({ activity, attempt, workflowId, runId, ...ids }) }
}

/** The same services; what they log from here on carries these ids as well. */
export function withIds(services: ActivityServices, ids: Ids): ActivityServices {
  return { ...services, log: services.log.child(ids) }
}

/** One attempt at one step, measured and in a span of its own. */
export async function observeStep<T>(
  services: ActivityServices,
  step: Step,
  about: Partial<Pick<Rotation, 'id' | 'eventId' | 'environmentId' | 'rotator'>>,
  body: () => Promise<T>,
): Promise<T> {
  const { metrics, tracing } = services.telemetry ?? NONE
  const rotator = about.rotator ?? null
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  const attributes: Attributes = {
    'rekey.step': step,
    'rekey.rotator': about.rotator,
    'rekey.rotation.id': about.id,
    'rekey.event.id': about.eventId,
    'rekey.environment.id': about.environmentId,
  }
  try {
    const result = await traced(tracing, step, { attributes }, body)
    metrics.stepEnded(step, rotator, 'ok', seconds())
    services.log.debug({ step, seconds: seconds() }, 'a step is done')
    return result
  } catch (error) {
    metrics.stepEnded(step, rotator, 'error', seconds())
    services.log.info({ step, code: codeOf(error), seconds: seconds() }, 'a step did not succeed')
    throw error
  }
}

export interface BegunEvent extends RotationEvent {
  rotations: readonly unknown[]
}

/** An event was opened by this plan. */
export function eventBegan(services: ActivityServices, event: BegunEvent): void {
  const rotations = event.rotations.length
  const { id: eventId, action, trigger, dueAt, createdAt } = event
  services.log.info({ eventId, action, trigger, rotations }, 'a rotation event began')
  if (dueAt) metricsOf(services).scheduledRun('begun', secondsBetween(dueAt, createdAt))
}

/** An event was closed before anything was rotated. */
export function eventRefused(
  services: ActivityServices,
  { eventId, action, trigger, code }: { eventId: string; action: Action; trigger: string; code: string },
): void {
  services.log.warn({ eventId, action, trigger, outcome: 'failed', code }, 'a rotation event was refused')
  metricsOf(services).eventEnded(action, trigger, 'failed', code)
}

/** An event was closed by this commit: every outcome is in the store. */
export function eventEnded(services: ActivityServices, event: EventWithRotations): void {
  const { action, trigger, dueAt, completedAt, postRevision } = event
  const outcome = event.outcome ?? 'failed'
  const metrics = metricsOf(services)
  metrics.eventEnded(action, trigger, outcome, event.failureCode)
  for (const rotation of event.rotations) {
    const { id: rotationId, rotator, failureCode: code } = rotation
    const ended = rotation.outcome ?? 'unknown'
    if (action === 'rotate') metrics.rotationEnded(rotator, ended, code)
    const level = ended === 'failed' || ended === 'unknown' ? 'warn' : 'info'
    services.log[level]({ rotationId, outcome: ended, code }, 'a path ended')
  }
  if (dueAt && completedAt && postRevision !== null)
    metrics.scheduledRun('published', secondsBetween(dueAt, completedAt))
  services.log.info({ action, trigger, outcome, revision: postRevision }, 'a rotation event ended')
}

function metricsOf(services: ActivityServices): RotationMetrics {
  return (services.telemetry ?? NONE).metrics
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}
