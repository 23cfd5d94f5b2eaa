/** Rotation events as the ESC API shows them. It knows `succeeded` and `failed`; what else happened is in extra fields. */
import type { Subject } from '../model/actions.ts'
import { FAILURES, isFailureCode } from '../model/failures.ts'
import type { EventWithRotations, RotationView } from '../store/events.ts'
import type { Request } from '../store/requests.ts'
import type { NextRetry } from '../store/retries.ts'

/** `next`: what follows because paths failed. */
export function eventJson(event: EventWithRotations, next?: NextRetry) {
  const done = event.rotations.filter(({ outcome }) => outcome !== null && outcome !== 'skipped')
  const skipped = event.rotations.filter(({ outcome }) => outcome === 'skipped')
  const anyFailed = done.some(({ outcome }) => outcome !== 'succeeded')
  return {
    id: event.id,
    environmentId: event.environmentId,
    created: event.createdAt.toISOString(),
    preRotationRevision: event.baseRevision,
    ...(event.postRevision !== null && { postRotationRevision: event.postRevision }),
    userID: event.login,
    ...(event.completedAt && { completed: event.completedAt.toISOString() }),
    status: event.outcome ?? 'in_progress',
    trigger: event.trigger,
    ...(event.action !== 'rotate' && { action: event.action }),
    ...retryJson(event.subject),
    ...(event.scheduleId !== null && { scheduledActionID: event.scheduleId }),
    // With a message of its own a client shows that alone, so it stays out where single paths say what failed.
    ...(event.outcome === 'failed' &&
      !anyFailed && { errorMessage: words(event.message, event.failureCode) }),
    ...(event.failureCode !== null && { errorCode: event.failureCode }),
    rotations: done.map(rotationJson),
    ...(skipped.length > 0 && { skipped: skipped.map(skippedJson) }),
    ...(next && { nextRetry: nextJson(next) }),
  }
}

/** How far each path is, for who watches. */
export function progressJson({ rotations }: EventWithRotations) {
  return rotations.map(({ path, rotator, step, outcome }) => ({
    environmentPath: path,
    rotator,
    step,
    status: outcome ?? 'in_progress',
  }))
}

/** A request whose event has not begun, or never will. */
export function requestJson(request: Request) {
  const given = request.status === 'waiting' || request.status === 'served'
  return {
    id: request.eventId,
    environmentId: request.environmentId,
    created: request.createdAt.toISOString(),
    userID: request.login,
    status: given ? 'in_progress' : 'failed',
    trigger: request.trigger,
    ...(request.action !== 'rotate' && { action: request.action }),
    ...retryJson(request.subject),
    ...(!given && { errorMessage: request.message ?? 'this rotation was never begun' }),
    rotations: [],
  }
}

function retryJson({ event, retry }: Subject) {
  return { ...(event !== undefined && { retryOf: event }), ...(retry !== undefined && { retry }) }
}

function nextJson({ number, paths, dueAt, status, retryEventId, message }: NextRetry) {
  return {
    number,
    paths,
    due: dueAt.toISOString(),
    status,
    ...(retryEventId !== null && { event: retryEventId }),
    ...(message !== null && { message }),
  }
}

function rotationJson(rotation: RotationView) {
  const { id, path, outcome, failureCode, message, warnings } = rotation
  return {
    id,
    environmentPath: path,
    status: outcome === 'succeeded' ? 'succeeded' : 'failed',
    // The `esc` command crashes on a failure without a text.
    ...(outcome !== 'succeeded' && { errorMessage: words(message, failureCode) }),
    ...(failureCode !== null && { errorCode: failureCode }),
    ...(outcome === 'unknown' && { outcome }),
    ...(warnings.length > 0 && { warnings }),
  }
}

function skippedJson({ path, message, failureCode, warnings }: RotationView) {
  return {
    environmentPath: path,
    reason: message ?? (isFailureCode(failureCode) ? FAILURES[failureCode].words : 'nothing to do'),
    ...(failureCode !== null && { errorCode: failureCode }),
    ...(warnings.length > 0 && { warnings }),
  }
}

function words(message: string | null, code: string | null): string {
  return message || (isFailureCode(code) ? FAILURES[code].words : 'the rotation failed')
}
