/** Accounts and their hosts: what is one user, what are two, and what is refused without asking the server. */
import { expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { mysql } from '../../../rotators/mysql.ts'
import { rotateUsersOf, routeOf } from '../../../rotators/mysql/route.ts'
import type { MysqlInputs } from '../../../rotators/mysql/schema.ts'

function inputs(username1: unknown, username2: unknown = 'other', database: object = {}): MysqlInputs {
  const managingUser = { username: 'manager', password: 'not-to-be-seen' }
  return {
    database: { host: 'db.example.com', database: 'app', managingUser, ...database },
    rotateUsers: { username1, username2 } as MysqlInputs['rotateUsers'],
  }
}

test.for([
  ['app', 'app@%'],
  ['app@%', 'app@%'],
  ['app@10.%', 'app@10.%'],
  ['app@10.0.0.0/255.0.0.0', 'app@10.0.0.0/255.0.0.0'],
  ['app@DB.Example.COM', 'app@db.example.com'],
  ['app@2001:db8::%', 'app@2001:db8::%'],
  ['app@corp@%', 'app@corp@%'],
  ['App', 'App@%'],
  [`it's "quoted" \\ \`n\` % ü`, `it's "quoted" \\ \`n\` % ü@%`],
])('%s is the account %s', ([given, account]) => {
  expect(mysql.targets(inputs(given))).toEqual(
    [
      `mysql://db.example.com:3306/${encodeURIComponent(account!)}`,
      'mysql://db.example.com:3306/other%40%25',
    ].sort(),
  )
})

test('one user at two hosts is two targets, each of which belongs to one path', () => {
  const [wide] = mysql.targets(inputs('app', 'b')).filter((target) => target.includes('app'))
  const [narrow] = mysql.targets(inputs('app@10.%', 'b')).filter((target) => target.includes('app'))
  expect(wide).not.toBe(narrow)
})

test('what one logs in with has no host part', () => {
  expect(rotateUsersOf(inputs('app@10.%', 'corp@user@%'))).toEqual(['app', 'corp@user'])
})

test.for([
  ['app', 'app', /the same user/],
  ['app', 'app@%', /the same user/],
  ['app@LOCALHOST', 'app@localhost', /the same user/],
  ['app@10.%', 'app@%', /one user at two hosts/],
  ['manager', 'b', /managingUser is one of rotateUsers/],
  ['manager@10.%', 'b', /managingUser is one of rotateUsers/],
  ['', 'b', /username1/],
  ['@%', 'b', /username1.*user name/],
  ['app@', 'b', /username1.*host part/],
  [`'app'@'%'`, 'b', /username1.*without quotes/],
  ['app@10.%;drop', 'b', /username1/],
  [' app', 'b', /username1.*spaces/],
  ['app👍', 'b', /username1.*characters/],
  ['a\0b', 'b', /username1/],
  ['a\ud800', 'b', /username1/],
  [7, 'b', /username1/],
  ['x'.repeat(129), 'b', /username1.*128/],
] as const)('refused: %s with %s', ([one, two, words]) => {
  try {
    mysql.targets(inputs(one, two))
  } catch (error) {
    expect(error).toBeInstanceOf(RotationFailure)
    expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(words) as string })
    expect(String(error)).not.toContain('not-to-be-seen')
    return
  }
  expect.unreachable('should have been refused')
})

test('the usual port, and TLS unless it stays on this machine', () => {
  expect(routeOf(inputs('a'))).toMatchObject({ port: 3306, sslmode: 'verify-full' })
  expect(routeOf(inputs('a', 'b', { host: '127.0.0.1' }))).toMatchObject({ sslmode: 'disable' })
})
