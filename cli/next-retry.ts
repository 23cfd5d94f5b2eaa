/** What follows a rotation that failed, and what one that is a later try belongs to, in words. */
import { localTime, shown } from './output.ts'
import type { RotationEvent } from './rotation.ts'

/** Why there was an event, in a word or two. */
export function triggerOf({ trigger, retry }: RotationEvent): string {
  return retry === undefined ? trigger : `${trigger} ${retry}`
}

/** One sentence each; none where nothing was tried again or is to be. */
export function retrySentences({
  retryOf,
  retry,
  nextRetry,
}: Pick<RotationEvent, 'retryOf' | 'retry' | 'nextRetry'>): string[] {
  const sentences: string[] = []
  if (retryOf !== undefined)
    sentences.push(
      retry === undefined
        ? `It tried again what failed in ${retryOf}`
        : `It is try ${retry} after the scheduled rotation ${retryOf}`,
    )
  if (!nextRetry) return sentences
  const { number, due, status, event, message, paths } = nextRetry
  const what = paths.map(shown).join(', ')
  if (status === 'waiting') sentences.push(`${what}: tried again at ${localTime(due)} (try ${number})`)
  else if (status === 'ended') sentences.push(`${what}: not tried again by itself: ${message}`)
  else sentences.push(`${what}: tried again as ${event} (try ${number})`)
  return sentences
}
