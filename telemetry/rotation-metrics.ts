/**
 * What a worker counts and measures of rotations. Labels are words of ours (codes, steps, rotators of the registry):
 * no name of an environment, no path, nothing that people typed.
 */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Action } from '../model/actions.ts'
import { FAILURES, isFailureCode } from '../model/failures.ts'
import type { RotationOutcome } from '../model/outcomes.ts'

export type Step = 'plan' | 'settle' | 'prepare' | 'apply' | 'verify' | 'commit'

export interface RotationMetrics {
  /** One path of a rotation whose outcome is in the store. */
  rotationEnded(rotator: string, outcome: RotationOutcome, code: string | null): void
  eventEnded(action: Action, trigger: string, outcome: 'succeeded' | 'failed', code: string | null): void
  /** `seconds`: how long one attempt at one step took. */
  stepEnded(step: Step, rotator: string | null, result: 'ok' | 'error', seconds: number): void
  /** `seconds`: since the due time of a scheduled run. */
  scheduledRun(phase: 'begun' | 'published', seconds: number): void
}

export const NO_ROTATION_METRICS: RotationMetrics = {
  rotationEnded: () => {},
  eventEnded: () => {},
  stepEnded: () => {},
  scheduledRun: () => {},
}

const STEP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const LATENESS_BUCKETS = [0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400]
const TRIGGERS = ['manual', 'schedule', 'signal', 'retry', 'sweep']
/** In the place of a code where nothing failed, and of a rotator where none is at work. */
const NONE = 'none'

/** `rotators`: the names in the registry; whatever else a definition names is counted as `other`. */
export function registerRotationMetrics(registry: Registry, rotators: string[]): RotationMetrics {
  const registers = [registry]
  const rotations = new Counter({
    name: 'rekey_rotations_total',
    help: 'Rotated paths by outcome (succeeded, failed, skipped, unknown) and failure code; code is "none" where nothing failed.',
    labelNames: ['rotator', 'outcome', 'code'] as const,
    registers,
  })
  const events = new Counter({
    name: 'rekey_rotation_events_total',
    help: 'Rotation events that ended, by what they did (rotate, or adopt, discard and so on), what began them and how they ended; code is that of an event which was refused as a whole.',
    labelNames: ['action', 'trigger', 'outcome', 'code'] as const,
    registers,
  })
  const steps = new Histogram({
    name: 'rekey_rotation_step_duration_seconds',
    help: 'Duration of one attempt at one step; rotator is "none" for plan and commit, which are of a whole event.',
    labelNames: ['step', 'rotator', 'result'] as const,
    buckets: STEP_BUCKETS,
    registers,
  })
  const lateness = new Histogram({
    name: 'rekey_schedule_lateness_seconds',
    help: 'Time from a due time until its run had begun, and until its revision was published, by the clock of the store.',
    labelNames: ['phase'] as const,
    buckets: LATENESS_BUCKETS,
    registers,
  })
  const nameOf = (rotator: string | null) =>
    rotator === null ? NONE : rotators.includes(rotator) ? rotator : 'other'
  const codeOf = (code: string | null) => (code === null ? NONE : isFailureCode(code) ? code : 'INTERNAL')
  begin()
  return {
    rotationEnded: (rotator, outcome, code) =>
      rotations.inc({ rotator: nameOf(rotator), outcome, code: codeOf(code) }),
    eventEnded: (action, trigger, outcome, code) =>
      events.inc({
        action,
        trigger: TRIGGERS.includes(trigger) ? trigger : 'other',
        outcome,
        code: codeOf(code),
      }),
    stepEnded: (step, rotator, result, seconds) =>
      steps.observe({ step, rotator: nameOf(rotator), result }, seconds),
    scheduledRun: (phase, seconds) => lateness.observe({ phase }, Math.max(0, seconds)),
  }

  /** A series that first appears with 1 shows no increase: the first failure would raise no alert. */
  function begin(): void {
    for (const rotator of rotators) {
      rotations.inc({ rotator, outcome: 'succeeded', code: NONE }, 0)
      rotations.inc({ rotator, outcome: 'unknown', code: 'OUTCOME_UNKNOWN' }, 0)
      rotations.inc({ rotator, outcome: 'unknown', code: 'KEY_LIMIT' }, 0)
      for (const code of Object.keys(FAILURES)) rotations.inc({ rotator, outcome: 'failed', code }, 0)
    }
    const action = 'rotate'
    for (const trigger of TRIGGERS) {
      events.inc({ action, trigger, outcome: 'succeeded', code: NONE }, 0)
      for (const code of [NONE, ...Object.keys(FAILURES)])
        events.inc({ action, trigger, outcome: 'failed', code }, 0)
    }
    for (const phase of ['begun', 'published']) lateness.zero({ phase })
  }
}
