/** Minimum ages of what is published: when a path is too young to be rotated or undone again. Asks nobody. */
import type { NewRotation } from '../store/journal.ts'
import type { Request } from '../store/requests.ts'
import type { ActivityServices } from './services.ts'

/** Refuses or skips a path that was rotated too recently for whoever asks, or warns. `age`: milliseconds; undefined before the first rotation. */
export function judgeAge(
  services: ActivityServices,
  request: Request,
  row: NewRotation,
  age: number | undefined,
): void {
  if (age === undefined || request.force) return
  const { minRotationAge, minManualAge } = services.limits
  const ago = `it was rotated ${Math.round(age / 1000)} s ago`
  if (request.trigger === 'schedule' || request.trigger === 'retry') {
    if (age < minRotationAge) row.refused = { outcome: 'skipped', code: 'TOO_SOON', message: ago }
  } else if (age < minManualAge) {
    row.refused = {
      outcome: 'failed',
      code: 'TOO_SOON',
      message: `${ago}; rotating again would cut off whoever holds the credential before (force overrides)`,
    }
  } else if (age < minRotationAge) {
    row.warnings.push(`${ago}: whoever still holds the credential before that is cut off now`)
  }
}

/** Undoing what was undone a moment ago is a double click, or somebody else's doing. */
export function judgeUndo(
  { limits }: ActivityServices,
  request: Request,
  row: NewRotation,
  age: number | undefined,
): void {
  if (age === undefined || request.force || age >= limits.minManualAge) return
  row.refused = {
    outcome: 'failed',
    code: 'TOO_SOON',
    message: `it was undone ${Math.round(age / 1000)} s ago; undoing again would undo that (force overrides)`,
  }
}
