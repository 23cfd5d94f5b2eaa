/** How one path of a rotation ended, and what an event makes of its paths. The same four words everywhere. */
export type RotationOutcome = 'succeeded' | 'failed' | 'skipped' | 'unknown'

/** An event succeeds when no path failed and none is unknown; nothing to do is a success. */
export function eventOutcome(outcomes: readonly RotationOutcome[]): 'succeeded' | 'failed' {
  return outcomes.some((outcome) => outcome === 'failed' || outcome === 'unknown') ? 'failed' : 'succeeded'
}
