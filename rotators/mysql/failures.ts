/**
 * Maps what the driver and the server report to closed codes with words of our own. Nothing of the reported text gets
 * through: it may hold a statement, an address or another user's name.
 */
import { RotationFailure, type FailureCode } from '../../model/failures.ts'
import { LoginRefused, connectionBroke, networkFailure, noTls } from '../database/failures.ts'
import type { Moment } from '../database/failures.ts'
import { NO_TLS, UNREADABLE } from './driver.ts'
import type { Reported } from './driver.ts'

/** What is one already passes through unchanged; LoginRefused where the server looked at the password and said no. */
export function failureOf(error: unknown, moment: Moment): RotationFailure | LoginRefused {
  if (error instanceof RotationFailure || error instanceof LoginRefused) return error
  const { errno, code, message } = error as Reported
  if (typeof errno === 'number' && errno >= 1000) {
    if (errno === 1045 && moment.doing === 'connecting') return new LoginRefused()
    return serverFailure(errno, String(message), moment)
  }
  return driverFailure(typeof code === 'string' ? code : '', moment)
}

function serverFailure(errno: number, message: string, moment: Moment): RotationFailure {
  const { doing, who, managing, route } = moment
  const place = `${route.host}:${route.port}`
  const of = (code: FailureCode, words: string) => new RotationFailure(code, `${words} (error ${errno})`)
  /** The managing user's trouble is the managing user's, whatever it is called for others. */
  const account = (code: FailureCode, words: string) => of(managing ? 'LOGIN_FAILED' : code, words)
  switch (errno) {
    case 1021: // disk, memory, tables
    case 1037:
    case 1038:
    case 1041:
    case 1114:
    case 1040: // too many connections, by server, user and hour
    case 1135:
    case 1203:
    case 1226:
    case 1461:
      return of('TARGET_THROTTLED', `${place} is short of connections or other resources for ${who}`)
    case 1129:
      return of(
        'TARGET_UNREACHABLE',
        `${place} has blocked the worker's address after connections that broke; run FLUSH HOSTS there`,
      )
    case 1130:
      return account(
        'TARGET_DENIED',
        `${place} has no account that lets ${who} in from the worker's address; see the host part of the account`,
      )
    case 1698:
      return account(
        'VERIFY_FAILED',
        `${place} lets ${who} in by something else than a password; choose a password plugin for the account`,
      )
    case 1820:
    case 1862:
      return account(
        'TARGET_DENIED',
        `the password of ${who} has expired; let it live longer: ALTER USER … PASSWORD EXPIRE NEVER`,
      )
    case 3118:
    case 4151:
      return account('TARGET_NOT_FOUND', `${who} is locked; unlock it: ALTER USER … ACCOUNT UNLOCK`)
    case 3955:
    case 4150:
      return account(
        'TARGET_DENIED',
        `${place} has blocked ${who} after failed log-ins; find out whose they are, then unblock it: ALTER USER … ACCOUNT UNLOCK on MySQL, FLUSH PRIVILEGES on MariaDB`,
      )
    case 1251:
    case 1275:
    case 1524:
      return account(
        'TARGET_DENIED',
        `${place} wants ${who} to log in by a plugin that it or Rekey does not have`,
      )
    case 3159:
    case 4000:
      return of('INPUT_INVALID', `${place} demands TLS; set database.sslmode to verify-full`)
    case 1184:
      return of(
        'TARGET_UNREACHABLE',
        `${place} cut the connection of ${who} at its beginning; see its setting init_connect and its log`,
      )
    case 1049:
      return of(
        'INPUT_INVALID',
        `${place} has no database ${JSON.stringify(route.database)}; correct database.database`,
      )
    case 1044:
      if (doing === 'connecting') {
        return of(
          'TARGET_DENIED',
          `${who} has no privilege in database ${JSON.stringify(route.database)}; grant it what applications need`,
        )
      }
      return of('TARGET_DENIED', `${who} lacks a privilege that changing the password needs`)
    case 1142:
    case 1143:
    case 1227:
      return of(
        'TARGET_DENIED',
        `${who} lacks a privilege that changing the password needs; grant it: GRANT CREATE USER ON *.*; users that have SYSTEM_USER can only be changed by others that have it`,
      )
    case 1133:
    case 1141:
    case 1396:
    case 1410: // MariaDB's reason, for a user that it would have to create
      return of('TARGET_NOT_FOUND', 'the user to rotate does not exist; create it')
    case 1819:
    case 3638:
      return of('TARGET_REJECTED_VALUE', `the password policy of ${place} refused the generated value`)
    case 1290:
      // One number for all that an option of the server prevents; options are not translated.
      if (/skip-grant/.test(message)) return skipsGrants(place)
      if (/read.only/.test(message)) return readOnly(place)
      return of('TARGET_DENIED', `an option of ${place} prevents changing users`)
    case 1792:
    case 1836:
      return readOnly(place)
    case 1205:
    case 1317:
    case 1969:
    case 3024:
    case 3058:
    case 4031: // MySQL's, of a session in which nothing arrived; MariaDB just ends it
      return of('TARGET_TIMEOUT', `${place} did not finish in time; another session may hold a lock`)
    case 1213:
    case 3101: // another member of a group was first
    case 3572:
      return of('TARGET_THROTTLED', 'another session changed users at the same time')
    case 1047: // a node of a cluster that is not ready
    case 1053:
    case 1077:
    case 1158:
    case 1159:
    case 1160:
    case 1161:
    case 1927:
      return of('TARGET_UNREACHABLE', `${place} is starting, stopping or cut the connection`)
    case 1030:
    case 1180:
    case 3098:
    case 3100:
      return of('TARGET_UNREACHABLE', `${place} cannot write, or not to its group; see its log`)
  }
  // Numbers of clients, and those that ProxySQL has made up: servers have neither.
  if ((errno >= 2000 && errno < 3000) || errno >= 9000)
    return of('TARGET_UNREACHABLE', `${place} is a proxy, and did not reach its server; see its log`)
  return of('INTERNAL', `${place} answered with an error that Rekey does not know`)
}

export function readOnly(place: string): RotationFailure {
  return new RotationFailure(
    'TARGET_UNREACHABLE',
    `${place} is read-only; database.host must name the primary`,
    { unchanged: true },
  )
}

export function skipsGrants(place: string): RotationFailure {
  return new RotationFailure(
    'VERIFY_FAILED',
    `${place} runs with --skip-grant-tables and lets everybody in without a password; start it without`,
  )
}

function driverFailure(code: string, moment: Moment): RotationFailure {
  const { route, who, managing } = moment
  const place = `${route.host}:${route.port}`
  if (code === NO_TLS) return noTls(route)
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR') {
    return new RotationFailure(
      managing ? 'LOGIN_FAILED' : 'TARGET_DENIED',
      `${place} wants ${who} to log in by a plugin that Rekey does not have; choose caching_sha2_password, mysql_native_password or ed25519`,
    )
  }
  const known = networkFailure(code, moment)
  if (known) return known
  if (code === UNREADABLE) {
    return new RotationFailure('TARGET_UNREACHABLE', `what answers at ${place} does not speak as MySQL does`)
  }
  if (code === 'HANDSHAKE_SSL_ERROR')
    return new RotationFailure('TARGET_UNREACHABLE', `no TLS connection to ${place} could be agreed on`)
  return connectionBroke(route)
}
