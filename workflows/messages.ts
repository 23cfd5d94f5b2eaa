/**
 * What the outside says to a rotation workflow and hears from it. Messages only wake it: what is asked for is in the
 * store. Importing this loads no workflow.
 */
import { defineSignal, defineUpdate } from '@temporalio/workflow'
import type { PathResult } from '../activities/index.ts'

/** Sent by the API after it has written a request. Its answer says only that the workflow has heard it. */
export const requestRotation = defineUpdate<void>('requestRotation')

/** For operators in the Temporal UI: rotate everything now, with the rights of the schedule's owner. */
export const rotateNow = defineSignal('rotateNow')

export interface RotateEnvironmentInput {
  environmentId: string
  /** Set by a schedule's action; the due time is Temporal's own, unless a late run names it. */
  scheduleId?: string
  /** ISO 8601. A due time that passed while nothing could run. */
  dueAt?: string
  /** Milliseconds; tests shorten them. */
  limits?: { attempt?: number; heartbeat?: number; concurrency?: number }
}

export interface EventSummary {
  event: string
  trigger: string
  outcome: 'succeeded' | 'failed'
  revision: number | null
  rotations: PathResult[]
}

export interface RotateEnvironmentResult {
  /** Why the run ended: there was nothing (more) to do, another run had the event, or the instant was not due. */
  ended: 'done' | 'joined' | 'not due'
  events: EventSummary[]
}
