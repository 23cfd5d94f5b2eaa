/**
 * Maps what the driver and the server report to closed codes with words of our own. Nothing of the reported text gets
 * through: it may hold a statement, a certificate or another host's data.
 */
import { RotationFailure } from '../../model/failures.ts'
import { connectionBroke, networkFailure, noTls } from '../database/failures.ts'
import type { LoginRefused, Moment } from '../database/failures.ts'
import { poolerFailure } from './poolers.ts'

export { LoginRefused } from '../database/failures.ts'
export type { Moment } from '../database/failures.ts'

/** The driver's own constant for a server that answers a request for TLS with a bare N. */
export const NO_TLS = 'The server does not support SSL connections'

/** What is one already passes through unchanged; LoginRefused where somebody looked at the password and said no. */
export function failureOf(error: unknown, moment: Moment): RotationFailure | LoginRefused {
  if (error instanceof RotationFailure) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const place = `${moment.route.host}:${moment.route.port}`
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)) {
    const said = String(message)
    return poolerFailure(code, said, moment) ?? serverFailure(code, said, moment, place)
  }
  return driverFailure(typeof code === 'string' ? code : '', String(message), moment, place)
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
    case '25P03':
    case '25P04':
      return of(
        'TARGET_TIMEOUT',
        `the change did not reach ${place} in time; the network or a proxy between may have held it back`,
      )
    case '55P03':
    case '57014':
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

function driverFailure(code: string, message: string, moment: Moment, place: string): RotationFailure {
  if (message === NO_TLS) return noTls(moment.route)
  const known = networkFailure(code, moment)
  if (known) return known
  if (message.startsWith('SASL: SCRAM-SERVER-FINAL-MESSAGE')) {
    return new RotationFailure(
      'VERIFY_FAILED',
      `${place} could not prove that it knows the password of ${moment.who}`,
    )
  }
  if (/^(Connection terminated|Client (has|was) )/.test(message)) return connectionBroke(moment.route)
  return new RotationFailure(
    'TARGET_UNREACHABLE',
    `what answers at ${place} does not speak as PostgreSQL does`,
  )
}
