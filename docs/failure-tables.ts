/** What each failure code means for one rotator or login: in its own words, or in those that hold anywhere. */
import { FAILURES, type FailureCode } from '../model/failures.ts'
import { code, table } from './markdown.ts'

/** Codes that come from Rekey itself and not from the target: they mean the same for every rotator. */
export const CODES_OF_REKEY: readonly FailureCode[] = [
  'NOT_EVALUATED',
  'STATE_INVALID',
  'PERMISSION_DENIED',
  'TOO_SOON',
  'CONFLICT',
  'CANCELLED',
  'INTERNAL',
]

export const ACTORS = {
  nobody: 'nobody',
  owner: 'who owns the environment',
  operator: 'who runs Rekey or the target',
  developer: 'the developers of Rekey',
}

type Words = Partial<Record<FailureCode, string>>

/** Every code: those that the notes explain, those that mean the same anywhere, and those that do not occur. */
export function failureTables(words: Words): string[] {
  const own = Object.keys(words) as FailureCode[]
  const anywhere = CODES_OF_REKEY.filter((failure) => !own.includes(failure))
  const absent = (Object.keys(FAILURES) as FailureCode[]).filter(
    (failure) => !own.includes(failure) && !anywhere.includes(failure),
  )
  return [
    ownFailures(words),
    'And these mean the same for every rotator:',
    table(
      ['code', 'tried again', 'who has to act', 'meaning'],
      anywhere.map((failure) => rowFor(failure, FAILURES[failure].words)),
    ),
    ...(absent.length > 0
      ? [`${absent.map(code).join(', ')} ${absent.length === 1 ? 'does' : 'do'} not occur here.`]
      : []),
  ]
}

export function ownFailures(words: Words): string {
  return table(
    ['code', 'tried again', 'who has to act', 'here'],
    Object.entries(words).map(([failure, here]) => rowFor(failure as FailureCode, here)),
  )
}

function rowFor(failure: FailureCode, words: string): string[] {
  const { retry, later, actor } = FAILURES[failure]
  const again = [retry ? 'at once' : '', later ? 'later' : ''].filter((when) => when !== '').join(', ')
  return [code(failure), again || 'no', ACTORS[actor], words]
}
