/**
 * Tells a run which search attributes it may set. One that Temporal does not know fails the workflow's task over and
 * over, so a step that asks once more than is usual gets none: no attribute may hold up a rotation.
 */

/** Asking twice is usual: a task also fails when a message arrives just as it ends. */
const OFFERS = 2
const REMEMBERED = 1_000

/** `usable` names what Temporal knows; the function that is given takes the run and the step that asks. */
export function offerAttributes(
  usable: () => readonly string[],
): (runId: string, step: string) => readonly string[] {
  const asked = new Map<string, number>()
  return (runId, step) => {
    const key = `${runId}/${step}`
    const times = (asked.get(key) ?? 0) + 1
    asked.delete(key)
    asked.set(key, times)
    const [oldest] = asked.keys()
    if (asked.size > REMEMBERED && oldest !== undefined) asked.delete(oldest)
    return times > OFFERS ? [] : usable()
  }
}
