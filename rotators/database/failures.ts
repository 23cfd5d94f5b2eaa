/**
 * Maps what the network and TLS report on the way to a database to closed codes with words of our own. Nothing of the
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

/** The server looked at the password, or at the user who proved it, and said no. */
export class LoginRefused extends Error {
  override name = 'LoginRefused'
}

/** The server has no TLS and the definition demands it. */
export function noTls({ host, port, sslmode }: Route): RotationFailure {
  return new RotationFailure(
    'INPUT_INVALID',
    `${host}:${port} does not offer TLS, which database.sslmode (${sslmode}) demands; switch TLS on there, or set database.sslmode to disable if the network between is trusted`,
  )
}

const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|HOSTNAME_MISMATCH)/

/** @param code of Node's error; undefined for one that is not from the network or TLS */
export function networkFailure(code: string, { route }: Moment): RotationFailure | undefined {
  const place = `${route.host}:${route.port}`
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
  if (/^E[A-Z]+$/.test(code)) return connectionBroke(route)
  return undefined
}

export function connectionBroke({ host, port }: Route): RotationFailure {
  return new RotationFailure('TARGET_UNREACHABLE', `the connection to ${host}:${port} broke`)
}
