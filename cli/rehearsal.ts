/** A dry run for people: what would become of each path, what would be done there, and what to know before. */
import type { Context } from './context.ts'
import { RotationEnded } from './end-with.ts'
import { EXIT } from './failure.ts'
import { localTime, note, print, printJson, printTable, styled } from './output.ts'

export interface RehearsalAnswer {
  status: 'succeeded' | 'failed' | 'unknown'
  revision: number
  underWay?: { event: string; action: string }
  errorCode?: string
  errorMessage?: string
  rotations: RehearsedPath[]
}

interface RehearsedPath {
  environmentPath: string
  rotator?: string
  targets: string[]
  expected: 'succeeded' | 'failed' | 'skipped' | 'unknown'
  errorCode?: string
  errorMessage?: string
  notBefore?: string
  firstRotation: boolean
  writes?: string
  first: string[]
  unsettled: { rotation: string; words: string }[]
  warnings: string[]
}

/** @throws RotationEnded when something would fail, or cannot be told */
export function endWithRehearsal(
  context: Context,
  answer: RehearsalAnswer,
  { name, json }: { name: string; json: boolean },
): void {
  if (json) printJson(context, answer)
  else showRehearsal(context, name, answer)
  if (answer.status === 'failed') throw new RotationEnded(EXIT.rotationFailed)
  if (answer.status === 'unknown') throw new RotationEnded(EXIT.rotationUnknown)
}

function showRehearsal(context: Context, name: string, answer: RehearsalAnswer): void {
  const { rotations, underWay } = answer
  if (rotations.length > 0)
    printTable(
      context,
      ['PATH', 'EXPECTED', 'CODE', 'WOULD WRITE', 'MESSAGE'],
      rotations.map((path) => [
        path.environmentPath,
        path.expected,
        path.errorCode ?? '-',
        (path.writes ?? '-') + (path.firstRotation && path.writes !== undefined ? ' (first rotation)' : ''),
        messageOf(path),
      ]),
    )
  for (const { environmentPath: path, first, unsettled, warnings } of rotations) {
    for (const { rotation, words } of unsettled)
      print(context, `${path}: settles rotation ${rotation} first: ${words}`)
    for (const words of first) print(context, `${path}: before that: ${words}`)
    for (const words of warnings)
      note(context, `${styled(context, 'errors', 'yellow', 'warning')}: ${path}: ${words}`)
  }
  if (underWay)
    note(
      context,
      `${styled(context, 'errors', 'yellow', 'warning')}: ${underWay.event} (${underWay.action}) is under way in ${name}; ` +
        'what is said here may be otherwise when it has ended',
    )
  if (answer.errorMessage !== undefined)
    note(
      context,
      `${styled(context, 'errors', 'red', 'error')}: ${answer.errorMessage} (${answer.errorCode ?? 'refused'})`,
    )
  else if (rotations.length === 0) print(context, `${name} has nothing to rotate`)
  print(context, `Nothing was changed; revision ${answer.revision} of ${name} was looked at`)
}

function messageOf({ errorMessage, notBefore }: RehearsedPath): string {
  if (errorMessage === undefined) return '-'
  return notBefore === undefined ? errorMessage : `${errorMessage}; possible from ${localTime(notBefore)} on`
}
