/**
 * Maps what the driver, the network, TLS and the server report to closed codes with words of our own. Nothing of the
 * reported text gets through: it may hold a statement, a certificate or another host's data.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Route } from './route.ts'

/** What was going on when it failed. `who` is how people are told about the user: `user "x"`, `the managing user "m"`. */
export interface Moment {
  doing: 'connecting' | 'reading' | 'changing'
  who: string
  managing: boolean
  route: Route
}

/** The driver's own constant for a server that answers a request for TLS with a bare N. */
export const NO_TLS = 'The server does not support SSL connections'

/** The server looked at the password, or at the user who proved it, and said no. */
export class LoginRefused extends Error {
  override name = 'LoginRefused'
}

/** What is one already passes through unchanged. */
export function failureOf(error: unknown, moment: Moment): RotationFailure {
  if (error instanceof RotationFailure) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const place = `${moment.route.host}:${moment.route.port}`
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)) {
    return serverFailure(code, String(message), moment, place)
  }
  return networkFailure(typeof code === 'string' ? code : '', String(message), moment, place)
}

function serverFailure(state: string, message: string, moment: Moment, place: string): RotationFailure {
  const { doing, who, route } = moment
  const database = JSON.stringify(route.database)
  const of = (code: RotationFailure['code'], words: string) =>
    new RotationFailure(code, `${words} (SQLSTATE ${state})`)
  switch (state) {
    case '28000':
      if (doing === 'connecting') {
        return of(
          moment.managing ? 'LOGIN_FAILED' : 'TARGET_DENIED',
          `${place} does not let ${who} in; see its pg_hba.conf: user, database, address, TLS`,
        )
      }
      break
    case '3D000':
      return of('INPUT_INVALID', `${place} has no database ${database}; correct database.database`)
    case '42501':
      return doing === 'connecting'
        ? of('TARGET_DENIED', `${who} may not connect to database ${database}; grant CONNECT on it`)
        : of('TARGET_DENIED', `${who} lacks a privilege that changing the password needs`)
    case '42704':
      return of('TARGET_NOT_FOUND', 'the user to rotate does not exist any more')
    case '42939':
      return of('INPUT_INVALID', 'rotateUsers names a role that PostgreSQL reserves')
    case '25006':
      return of('TARGET_UNREACHABLE', `${place} is read-only; database.host must name the primary`)
    case '55P03':
    case '57014':
    case '25P03':
    case '25P04':
      return of(
        'TARGET_TIMEOUT',
        `${place} did not finish in time; another session may hold a lock on the user`,
      )
    case '40001':
    case '40P01':
    case '55006':
      return of('TARGET_THROTTLED', 'another session changed the same user at the same time')
    case 'XX000':
      // Internal errors are not translated, and this one has no state of its own.
      if (/tuple concurrently (updated|deleted)/.test(message)) {
        return of('TARGET_THROTTLED', 'another session changed the same user at the same time')
      }
      break
  }
  if (state.startsWith('53')) {
    return of('TARGET_THROTTLED', `${place} is short of connections or other resources for ${who}`)
  }
  if (/^(57P|08)/.test(state))
    return of('TARGET_UNREACHABLE', `${place} is starting, stopping or cut the connection`)
  // Hooks that check passwords have no state in common: bad value, bad authorization, violated constraint, exception.
  if (doing === 'changing' && /^(22|23|28|P0)/.test(state)) {
    return of('TARGET_REJECTED_VALUE', `the password policy of ${place} refused the generated value`)
  }
  return of('INTERNAL', `${place} answered with an error that Rekey does not know`)
}

const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|HOSTNAME_MISMATCH)/

function networkFailure(code: string, message: string, moment: Moment, place: string): RotationFailure {
  const { route } = moment
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return new RotationFailure(
      'INPUT_INVALID',
      `the certificate of ${place} is for another name; set database.host to a name that it holds, or database.sslmode to verify-ca`,
    )
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new RotationFailure(
      'INPUT_INVALID',
      `the certificate of ${place} is not valid at this time; renew it`,
    )
  }
  if (CERTIFICATE.test(code)) {
    return new RotationFailure(
      'INPUT_INVALID',
      `the certificate of ${place} is from an authority that is not trusted; put that authority into database.ca`,
    )
  }
  if (message === NO_TLS) {
    return new RotationFailure(
      'INPUT_INVALID',
      `${place} does not offer TLS, which database.sslmode (${route.sslmode}) demands; switch TLS on there, or set database.sslmode to disable if the network between is trusted`,
    )
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) {
    return new RotationFailure('TARGET_UNREACHABLE', `no TLS connection to ${place} could be agreed on`)
  }
  if (code === 'ETIMEDOUT') return new RotationFailure('TARGET_TIMEOUT', `${place} did not answer in time`)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL' || code === 'EAI_NODATA') {
    return new RotationFailure(
      'TARGET_UNREACHABLE',
      `the name ${route.host} (database.host) could not be resolved`,
    )
  }
  if (code === 'ECONNREFUSED') {
    return new RotationFailure('TARGET_UNREACHABLE', `nothing accepts connections at ${place}`)
  }
  if (message.startsWith('SASL: SCRAM-SERVER-FINAL-MESSAGE')) {
    return new RotationFailure(
      'VERIFY_FAILED',
      `${place} could not prove that it knows the password of ${moment.who}`,
    )
  }
  if (/^E[A-Z]+$/.test(code) || /^(Connection terminated|Client (has|was) )/.test(message)) {
    return new RotationFailure('TARGET_UNREACHABLE', `the connection to ${place} broke`)
  }
  return new RotationFailure(
    'TARGET_UNREACHABLE',
    `what answers at ${place} does not speak as PostgreSQL does`,
  )
}
