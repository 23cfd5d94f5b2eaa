import { expect, test } from 'vitest'
import { pathsToRetry } from '../../activities/plan-retry.ts'
import type { Rotation } from '../../store/rotation-row.ts'

const row = (path: string, failureCode: string | null, dependsOn: string[] = []) => ({
  id: path,
  path,
  failureCode,
  dependsOn,
  outcome: (failureCode === null ? 'succeeded' : 'failed') as Rotation['outcome'],
})

test('what can pass is tried again, with what could not be evaluated for want of it', () => {
  expect(
    pathsToRetry([
      row('z', 'TARGET_UNREACHABLE'),
      row('needs z', 'NOT_EVALUATED', ['z']),
      row('needs denied', 'NOT_EVALUATED', ['taken']),
      row('wrong', 'NOT_EVALUATED'),
      row('taken', 'TARGET_TAKEN'),
      row('cancelled', 'CANCELLED'),
      row('fine', null),
      { ...row('a', 'OUTCOME_UNKNOWN'), outcome: 'unknown' as const },
      { ...row('full', 'KEY_LIMIT'), outcome: 'unknown' as const },
      { ...row('young', 'TOO_SOON'), outcome: 'skipped' as const },
    ]),
  ).toEqual(['a', 'needs z', 'z'])
})

test('nothing is tried again for a code that nobody knows', () => {
  expect(pathsToRetry([row('db', 'NO_SUCH_CODE'), row('other', null)])).toEqual([])
})
