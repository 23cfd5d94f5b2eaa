/** Questions about time that several invariants ask of the evidence. Judges nothing. */
import type { Evidence, RevisionSeen, RowVersion, SlotState, Witnessed } from '../evidence.ts'

/** The clocks of the wire and of the store are one, read at slightly different moments. */
export const SLACK = 5

export function finalRows(evidence: Evidence): RowVersion[] {
  return [...new Map(evidence.rows.map((row) => [row.id, row])).values()]
}

export function versionsOf(evidence: Evidence, rotationId: string): RowVersion[] {
  return evidence.rows.filter((row) => row.id === rotationId)
}

/** The newest revision of an environment at a time. */
export function newestAt(evidence: Evidence, environmentId: string, at: number): RevisionSeen | undefined {
  return evidence.revisions
    .filter((revision) => revision.environmentId === environmentId && revision.committedAt <= at)
    .reduce<RevisionSeen | undefined>(
      (best, one) => (best && best.number > one.number ? best : one),
      undefined,
    )
}

export interface Published extends SlotState {
  environmentId: string
  revision: number
  /** When the two slots of this state were first published together. */
  since: number
}

/** What was published for a target at a time, by whatever environments. */
export function publishedAt(evidence: Evidence, target: string, at: number): Published[] {
  return evidence.environments.flatMap(({ id }) => {
    const newest = newestAt(evidence, id, at)
    return (newest?.states ?? [])
      .filter((state) => state.target === target)
      .map((state) => ({
        ...state,
        environmentId: id,
        revision: newest!.number,
        since: firstPublished(evidence, id, newest!.number, state),
      }))
  })
}

function firstPublished(evidence: Evidence, environmentId: string, newest: number, state: SlotState): number {
  const older = evidence.revisions
    .filter((revision) => revision.environmentId === environmentId && revision.number <= newest)
    .toSorted((a, b) => b.number - a.number)
  let since = Number.POSITIVE_INFINITY
  for (const { states, committedAt } of older) {
    const same = states.some(
      ({ path, target, current, previous }) =>
        path === state.path &&
        target === state.target &&
        current === state.current &&
        previous === state.previous,
    )
    if (!same) break
    since = committedAt
  }
  return since
}

export function changes(evidence: Evidence): Witnessed[] {
  return evidence.seen.filter(({ what }) => what !== 'login')
}

/** The rotation of a target that was last to begin sending before a time. */
export function newestSender(evidence: Evidence, target: string, at: number): string | undefined {
  const began = new Map<string, number>()
  for (const row of evidence.rows)
    if (
      row.target === target &&
      row.sentUntil !== null &&
      row.committedAt <= at + SLACK &&
      !began.has(row.id)
    )
      began.set(row.id, row.committedAt)
  return [...began].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}
