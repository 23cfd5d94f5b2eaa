/** What servers, clusters and proxies report: each in its code, and nothing of their text. */
import { expect, test } from 'vitest'
import { LoginRefused } from '../../../rotators/database/failures.ts'
import type { Moment } from '../../../rotators/database/failures.ts'
import { failureOf } from '../../../rotators/mysql/failures.ts'

const route = { host: 'db', port: 3306, database: 'app', sslmode: 'verify-full' as const, ca: undefined }
const changing: Moment = { doing: 'changing', who: 'the managing user "m"', managing: true, route }

test.for<[string, number, string, string]>([
  ['disk full', 1021, '', 'TARGET_THROTTLED'],
  ['too many connections', 1040, '', 'TARGET_THROTTLED'],
  ['deadlock', 1213, '', 'TARGET_THROTTLED'],
  ['rolled back by a group', 3101, '', 'TARGET_THROTTLED'],
  ['a node that is not ready', 1047, '', 'TARGET_UNREACHABLE'],
  ['a group that does not answer', 3100, '', 'TARGET_UNREACHABLE'],
  ['an error at the commit', 1180, '', 'TARGET_UNREACHABLE'],
  ['ProxySQL without a server', 9001, '', 'TARGET_UNREACHABLE'],
  ['MaxScale without a server', 2003, '', 'TARGET_UNREACHABLE'],
  ['a replica', 1290, 'with the --super-read-only option ', 'TARGET_UNREACHABLE'],
  ['a server that checks nobody', 1290, 'with the --skip-grant-tables option ', 'VERIFY_FAILED'],
  ['another option', 1290, '', 'TARGET_DENIED'],
  ['a lock', 1205, '', 'TARGET_TIMEOUT'],
  ['a policy', 1819, '', 'TARGET_REJECTED_VALUE'],
  ['a password that was used before', 3638, '', 'TARGET_REJECTED_VALUE'],
  ['no such user', 1396, '', 'TARGET_NOT_FOUND'],
  ['a user above the managing one', 1227, '', 'TARGET_DENIED'],
  ['what nobody foresaw', 1999, '', 'INTERNAL'],
])('%s', ([, errno, message, code]) => {
  const failure = failureOf({ errno, message: `${message}of pa55word` }, changing)
  expect(failure).toMatchObject({ code })
  expect(failure.message).toMatch(/db:3306|user/)
  expect(failure.message).not.toContain('pa55word')
})

test('a refused password is one at the log-in alone', () => {
  const refused = { errno: 1045, message: 'x' }
  expect(failureOf(refused, { ...changing, doing: 'connecting' })).toBeInstanceOf(LoginRefused)
  expect(failureOf(refused, changing)).toMatchObject({ code: 'INTERNAL' })
})
