/**
 * What poolers in front of a PostgreSQL answer in their own name, as closed codes with words of ours. PgBouncer gives
 * nearly all of it one state (08P01), which says nothing, and texts that are never translated.
 */
import { RotationFailure, type FailureCode } from '../../model/failures.ts'
import type { Moment } from '../database/failures.ts'
import { LoginRefused } from '../database/failures.ts'

const REFUSED = /^((SASL|password) authentication failed|no such user|auth failed)/

const MEANINGS: [RegExp, FailureCode, (moment: Moment) => string][] = [
  [
    /^(database ".*" does not exist|no such database)/s,
    'INPUT_INVALID',
    ({ route }) => `it has no database ${JSON.stringify(route.database)}; correct database.database`,
  ],
  [
    /statement pooling mode/,
    'INPUT_INVALID',
    () =>
      'it pools single statements, which allows no deadlines; name the server itself in database.host, or use its mode transaction or session',
  ],
  [/^no more connections allowed/, 'TARGET_THROTTLED', () => 'it has no connection left for clients'],
  [
    /^server login has been failing|^server_login_retry/,
    'TARGET_UNREACHABLE',
    ({ who }) =>
      `its own log-in to the server as ${who} is refused, so it may keep an old password; renew its list of users, or let it ask the server (PgBouncer: auth_query)`,
  ],
  [
    /^(query_wait_timeout|client_login_timeout|query_timeout)/,
    'TARGET_TIMEOUT',
    () =>
      'it got no connection to its server in time; its own log-in there may fail, or all of them be taken',
  ],
  [
    /^(pooler is shut ?down|server conn crashed|bouncer config error|the database system is|pause)/,
    'TARGET_UNREACHABLE',
    () => 'it does not serve now; see its log',
  ],
]

/** @returns undefined for what no pooler is known to say */
export function poolerFailure(
  state: string,
  message: string,
  moment: Moment,
): RotationFailure | LoginRefused | undefined {
  if (state !== '08P01') return undefined
  if (moment.doing === 'connecting' && REFUSED.test(message)) return new LoginRefused()
  const known = MEANINGS.find(([text]) => text.test(message))
  if (!known) return undefined
  const { host, port } = moment.route
  return new RotationFailure(known[1], `${host}:${port} is a connection pooler: ${known[2](moment)}`)
}

/** That what stands at a place is a pooler, and what is better. */
export function poolerWarning({ host, port }: { host: string; port: number }): string {
  return (
    `${host}:${port} is a connection pooler: a password that it keeps by itself is not renewed by a rotation. ` +
    'Have it ask the server (PgBouncer: auth_query), or let database.host name the server itself'
  )
}

/** Why it may refuse a password that its server has. */
export function poolerRefusal({ host, port }: { host: string; port: number }, who: string): string {
  return (
    `${host}:${port} is a connection pooler, which may keep an older password of ${who} than its server has; ` +
    'renew its list of users, have it ask the server (PgBouncer: auth_query), or let database.host name the server itself'
  )
}
