/** What the end of a scheduled run, or of a try after it, means for later: which paths are tried again, and when. */
import { FAILURES, isFailureCode } from '../model/failures.ts'
import type { Queryable } from '../store/database.ts'
import type { RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { insertRetry } from '../store/retries.ts'

/**
 * Writes the next try, in the transaction that closes its event. `after`: milliseconds, one for each try;
 * `revision`: the newest one now.
 */
export async function planRetry(
  db: Queryable,
  { event, rotations, revision }: { event: RotationEvent; rotations: Rotation[]; revision: number },
  after: readonly number[],
): Promise<void> {
  const before = tryOf(event)
  const dueIn = before && after[before.number]
  if (!before || dueIn === undefined) return
  const paths = pathsToRetry(rotations)
  if (paths.length === 0) return
  await insertRetry(db, {
    eventId: before.eventId,
    number: before.number + 1,
    environmentId: event.environmentId,
    failedEventId: event.id,
    paths,
    revision,
    dueIn,
  })
}

/** The scheduled event, and how many tries after it there have been; undefined for what people ask for. */
function tryOf({ id, trigger, subject }: RotationEvent): { eventId: string; number: number } | undefined {
  if (trigger === 'schedule') return { eventId: id, number: 0 }
  return trigger === 'retry' && subject.event !== undefined && subject.retry !== undefined
    ? { eventId: subject.event, number: subject.retry }
    : undefined
}

/** Those that failed for something that can pass, and those that could not be evaluated for want of one of them. */
export function pathsToRetry(
  rotations: Pick<Rotation, 'id' | 'path' | 'outcome' | 'failureCode' | 'dependsOn'>[],
): string[] {
  const failed = rotations.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown')
  const chosen = new Set(failed.filter((row) => canPass(row.failureCode)).map(({ id }) => id))
  // dependsOn holds what is reached through others too.
  const dependent = failed.filter(
    (row) => row.failureCode === 'NOT_EVALUATED' && row.dependsOn.some((id) => chosen.has(id)),
  )
  return failed
    .filter((row) => chosen.has(row.id) || dependent.includes(row))
    .map(({ path }) => path)
    .sort()
}

function canPass(code: string | null): boolean {
  return isFailureCode(code) && FAILURES[code].later
}
