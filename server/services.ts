/** What the HTTP API needs from the rest of Rekey, so that it can be served in any process and tested alone. */
import type { Action, Subject } from '../model/actions.ts'
import type { RehearsalResult } from '../model/rehearsal.ts'
import type { Services as EnvironmentServices } from '../environments/services.ts'
import type { Schedule } from '../store/schedules.ts'

export interface Services extends EnvironmentServices {
  rotations: Rotations
  rehearsals: Rehearsals
  schedules: ScheduleProjector
  /** Asked before every route that needs a person. @throws Refusal unavailable until the key has opened the store. */
  demandKey(): Promise<void>
  /** What must be there for the API to work: by name, each throwing when it is not. */
  checks: Record<string, () => Promise<void>>
  /** Milliseconds; 0 switches the limit off. */
  minScheduleInterval: number
}

/** Asking for rotations and waiting for them. */
export interface Rotations {
  /** Writes the request and wakes its workflow. @throws Refusal */
  request(options: {
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
  }): Promise<{ eventId: string }>
  /** True when this key has begun something in this environment before. */
  isKnown(environmentId: string, requestKey: string): Promise<boolean>
  /** Resolves when the event is completed or can never begin; rejects when the signal fires. */
  wait(eventId: string, signal: AbortSignal): Promise<void>
}

/** Dry runs: what a rotation would do, without doing it. */
export interface Rehearsals {
  /** Rejects when the signal fires. @throws Refusal */
  rehearse(
    asked: {
      environmentId: string
      login: string
      /** Null: every rotate call of the definition. */
      paths: string[] | null
      force: boolean
    },
    signal: AbortSignal,
  ): Promise<RehearsalResult>
}

/** Keeps Temporal's copy of a schedule in step with the row. Throws when Temporal is away. */
export interface ScheduleProjector {
  sync(schedule: Schedule, environmentName: string): Promise<void>
  delete(scheduleId: string): Promise<void>
}
