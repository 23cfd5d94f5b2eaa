/** An event as operators see it in the current details: counts, paths and codes; bounded, whatever the number of paths. */
import type { PathResult } from '../activities/index.ts'
import { asCode } from './operator-texts.ts'

/** What did not succeed is named up to this number; the rest is counted. */
const NAMED = 20

/** Which event it is. */
export function titleOf({
  eventId,
  environment,
  trigger,
}: Record<'eventId' | 'environment' | 'trigger', string>): string {
  return `${asCode(environment)} · ${trigger} · event ${asCode(eventId)}`
}

/** How far an event is: counts, then what did not succeed by path and code. */
export function progressText(title: string, total: number, results: PathResult[], more: string): string {
  const failed = results.filter(({ outcome }) => outcome !== 'succeeded')
  const counts = (['failed', 'unknown', 'skipped'] as const)
    .map((word) => [failed.filter(({ outcome }) => outcome === word).length, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `, ${count} ${word}`)
  const lines = failed
    .slice(0, NAMED)
    .map(
      ({ path, outcome, code }) => `- ${asCode(path)}: ${outcome}${code === null ? '' : `, ${asCode(code)}`}`,
    )
  if (failed.length > NAMED) lines.push(`- and ${failed.length - NAMED} more`)
  return [`${results.length} of ${total} done${counts.join('')}${more}`, lines.join('\n'), title]
    .filter((part) => part !== '')
    .join('\n\n')
}
