/** What became of a rotation, for people: each path, its warnings, the revision, and what to do about what failed. */
import type { Context } from './context.ts'
import { note, print, printTable, styled } from './output.ts'
import { pathOutcomes, type RotationEvent } from './rotation.ts'

export function showEvent(context: Context, name: string, event: RotationEvent): void {
  const outcomes = pathOutcomes(event)
  if (outcomes.length > 0)
    printTable(
      context,
      ['PATH', 'OUTCOME', 'CODE', 'MESSAGE'],
      outcomes.map(({ path, outcome, code, message }) => [path, outcome, code || '-', message || '-']),
    )
  for (const { path, warnings } of outcomes)
    for (const warning of warnings)
      note(context, `${styled(context, 'errors', 'yellow', 'warning')}: ${path}: ${warning}`)
  const revision = event.postRotationRevision
  if (event.status === 'in_progress') return print(context, 'It is under way')
  if (revision !== undefined) print(context, `${name} has the new revision ${revision}`)
  else print(context, `No new revision of ${name} was made`)
  if (event.errorMessage)
    note(
      context,
      `${styled(context, 'errors', 'red', 'error')}: ${event.errorMessage}${event.errorCode ? ` (${event.errorCode})` : ''}`,
    )
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed')
  if (failed.length > 0 && event.action === undefined)
    note(
      context,
      `rotate only what failed again: rekey env rotate ${name} ${failed.map(({ path }) => quote(path)).join(' ')}`,
    )
}

function quote(path: string): string {
  return /^[\w.-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
