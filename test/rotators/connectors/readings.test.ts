/** What the messages of existing connector functions mean, as their libraries word them. */
import { describe, expect, test } from 'vitest'
import type { Reading } from '../../../rotators/connectors/connector.ts'
import { mysqlExistingWays } from '../../../rotators/mysql/existing-connector.ts'
import { postgresExistingWays } from '../../../rotators/postgres/existing-connector.ts'

const asked = { managing: 'manager', rotated: 'app_1' }
const rotating = 'error rotating user "app_1": '

describe('postgres', () => {
  test.for<[string, Reading]>([
    [`${rotating}pq: password authentication failed for user "manager"`, 'no login'],
    [`${rotating}pq: role "manager" does not exist`, 'no login'],
    [`${rotating}pq: role "app_1" does not exist`, 'no such user'],
    [`${rotating}pq: Rolle »app_1« existiert nicht`, 'no such user'],
    [`${rotating}pq: le rôle « app_1 » n'existe pas`, 'no such user'],
    [`${rotating}pq: Passwort-Authentifizierung für Benutzer »manager« fehlgeschlagen`, 'unclear'],
    ['ERROR: role "app_1" does not exist (SQLSTATE 42704)', 'no such user'],
    ['failed to connect to `user=manager`: failed SASL auth: FATAL: x (SQLSTATE 28P01)', 'no login'],
    [`${rotating}pq: permission denied to alter role`, 'denied'],
    [`${rotating}pq: permission denied`, 'denied'],
    [`${rotating}pq: must be superuser to alter superusers`, 'denied'],
    [`${rotating}pq: permission denied for database "app"`, 'no such database'],
    [`${rotating}pq: database "app" does not exist`, 'no such database'],
    [
      `${rotating}pq: no pg_hba.conf entry for host "10.0.0.1", user "manager", database "app", no encryption`,
      'not let in',
    ],
    [`${rotating}pq: role "manager" is not permitted to log in`, 'not let in'],
    [`${rotating}dial tcp 10.0.0.9:5432: connect: connection refused`, 'unreachable'],
    [`${rotating}dial tcp 10.0.0.9:5432: i/o timeout`, 'unreachable'],
    [`${rotating}dial tcp: lookup db.internal on 10.0.0.2:53: no such host`, 'unreachable'],
    [`${rotating}dial tcp 10.0.0.9:5432: connect: permission denied`, 'unreachable'],
    [`${rotating}EOF`, 'unreachable'],
    [`${rotating}pq: sorry, too many clients already`, 'busy'],
    [`${rotating}pq: tuple concurrently updated`, 'busy'],
    [`${rotating}pq: canceling statement due to lock timeout`, 'late'],
    [`${rotating}pq: cannot execute ALTER ROLE in a read-only transaction`, 'read-only'],
    [`${rotating}pq: password is too short`, 'refused value'],
    [`${rotating}pq: password must not contain user name`, 'refused value'],
    ['parse "postgres://manager:pa%ss@db:5432/app": invalid URL escape "%ss"', 'bad address'],
    ['parse "postgres://manager:a/b@db:5432/app": invalid port ":a" after host', 'bad address'],
    ['unknown event type postgres', 'unclear'],
    ['', 'unclear'],
    // It only says whom it was about to change.
    [rotating, 'unclear'],
    [`${rotating}something that nobody foresaw`, 'unclear'],
  ])('%s', ([message, reading]) => {
    expect(postgresExistingWays.read(message, asked)).toBe(reading)
  })
})

describe('mysql', () => {
  const of = (number: number, state: string, words: string) => `Error ${number} (${state}): ${words}`
  test.for<[string, Reading]>([
    [
      `connecting to database: ${of(1045, '28000', "Access denied for user 'manager'@'10.0.0.1' (using password: YES)")}`,
      'no login',
    ],
    [
      `connecting to database: ${of(1044, '42000', "Access denied for user 'manager'@'%' to database 'app'")}`,
      'no such database',
    ],
    [`connecting to database: ${of(1049, '42000', "Unknown database 'app'")}`, 'no such database'],
    [
      `connecting to database: ${of(1130, 'HY000', "Host '10.0.0.1' is not allowed to connect")}`,
      'not let in',
    ],
    [`connecting to database: ${of(1040, '08004', 'Too many connections')}`, 'busy'],
    ['connecting to database: dial tcp 10.0.0.9:3306: i/o timeout', 'unreachable'],
    ['connecting to database: this user requires mysql native password authentication.', 'not let in'],
    [`${rotating}${of(1396, 'HY000', "Operation ALTER USER failed for 'app_1'@'%'")}`, 'no such user'],
    [
      `${rotating}${of(1227, '42000', 'Access denied; you need (at least one of) the CREATE USER privilege(s)')}`,
      'denied',
    ],
    [
      `${rotating}${of(1819, 'HY000', 'Your password does not satisfy the current policy requirements')}`,
      'refused value',
    ],
    [`${rotating}${of(1820, 'HY000', 'You must reset your password using ALTER USER')}`, 'not let in'],
    [
      `${rotating}${of(1290, 'HY000', 'The MySQL server is running with the --read-only option')}`,
      'read-only',
    ],
    [
      `${rotating}${of(1290, 'HY000', 'The MySQL server is running with the --skip-grant-tables option')}`,
      'unclear',
    ],
    [`${rotating}${of(1205, 'HY000', 'Lock wait timeout exceeded; try restarting transaction')}`, 'late'],
    [`${rotating}invalid connection`, 'unreachable'],
    [`${rotating}${of(9999, 'HY000', 'something that nobody foresaw')}`, 'unclear'],
    ['', 'unclear'],
  ])('%s', ([message, reading]) => {
    expect(mysqlExistingWays.read(message, asked)).toBe(reading)
  })
})
