/**
 * Maps what AWS, the SDK and the network report to closed codes with words of our own. Nothing of the reported text
 * gets through: AWS quotes signed strings and ARNs in it.
 */
import { RotationFailure } from '../../model/failures.ts'

/** AWS looked at the key and said no. */
export class KeyRefused extends Error {
  override name = 'KeyRefused'
}

/** The user has as many keys as AWS allows. */
export class NoRoom extends Error {
  override name = 'NoRoom'
}

/** What is there no more, or never was. */
export class NoSuchThing extends Error {
  override name = 'NoSuchThing'
}

/** What was asked, for people: `iam:ListAccessKeys`. */
export type Action = `${'iam' | 'sts' | 'lambda'}:${string}`

const REFUSED = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'UnrecognizedClient',
  'AuthFailure',
  'ExpiredToken',
  'InvalidToken',
  'MissingAuthenticationToken',
])
const THROTTLED =
  /^(Throttl|RequestLimitExceeded|TooManyRequests|RequestThrottled|SlowDown|BandwidthLimit|PriorRequestNotComplete)/
const CLOCK = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'])

interface Reported {
  name?: unknown
  message?: unknown
  code?: unknown
  $fault?: unknown
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** @returns RotationFailure, or one of the classes above where the caller decides what it means. */
export function failureOf(error: unknown, action: Action): Error {
  if (error instanceof RotationFailure) return error
  const { name, message, $fault, $metadata, $response } = error as Reported
  const status = $metadata?.httpStatusCode
  // Only what AWS itself answered is one of its faults; garbage has no code of AWS in it.
  if ($fault === undefined || status === undefined) return networkFailure(error as Reported, action)
  // Those that the SDK knows have names of its own making.
  const code = String(name).replace(/Exception$/, '')
  const answered = (failure: RotationFailure['code'], words: string, retryAfter?: number) =>
    new RotationFailure(failure, `${words} (${action})`, {
      unchanged: status < 500,
      ...(retryAfter !== undefined && { retryAfter }),
    })
  if (CLOCK.has(code) || /^Signature (expired|not yet current)/.test(String(message)))
    return answered('TARGET_UNREACHABLE', "AWS finds the worker's clock wrong; set it by NTP")
  if (REFUSED.has(code)) return new KeyRefused()
  if (code === 'LimitExceeded') return new NoRoom()
  if (code === 'NoSuchEntity') return new NoSuchThing()
  if (THROTTLED.test(code) || status === 429 || status === 503)
    return answered('TARGET_THROTTLED', 'AWS asks to slow down', retryAfterOf($response?.headers))
  if (/^AccessDenied|^UnauthorizedOperation|^OptInRequired/.test(code) || status === 403)
    return answered('TARGET_DENIED', `the login may not ${action} on this user; allow it in its policy`)
  if (code === 'EntityTemporarilyUnmodifiable' || code === 'ConcurrentModification' || status === 409)
    return answered('TARGET_THROTTLED', 'AWS is busy with another change of this user')
  if (status >= 500) return answered('TARGET_UNREACHABLE', 'AWS reports a fault of its own')
  return answered('INTERNAL', `AWS does not understand the request: ${codeWord(code)}`)
}

/** A code that AWS made up is fit to be shown; anything else may be a text of somebody else's. */
function codeWord(code: string): string {
  return /^[A-Za-z]{3,60}$/.test(code) ? code : 'an unknown error'
}

function networkFailure({ name, code }: Reported, action: Action): RotationFailure {
  // The SDK calls a connection that was cut a timeout too.
  const late =
    code === 'ETIMEDOUT' || (code === undefined && /^(TimeoutError|AbortError)$/.test(String(name)))
  if (late) return new RotationFailure('TARGET_TIMEOUT', `AWS did not answer in time (${action})`)
  if (/CERT|SELF_SIGNED|TLS|SSL/.test(String(code)))
    return new RotationFailure(
      'TARGET_UNREACHABLE',
      `the certificate of AWS's endpoint is not trusted (${action})`,
    )
  const known = typeof code === 'string' && /^E[A-Z_]{2,20}$/.test(code) ? `: ${code}` : ''
  return new RotationFailure(
    'TARGET_UNREACHABLE',
    `AWS could not be reached, or what answered is not AWS${known} (${action}); check the network and AWS_ENDPOINT_URL`,
  )
}

const LONGEST_HINT_MS = 5 * 60_000

/** Seconds or a date, as HTTP has it; milliseconds in AWS's own header. */
export function retryAfterOf(
  headers: Record<string, string> | undefined,
  now = Date.now(),
): number | undefined {
  const given = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const own = given.get('x-amz-retry-after')
  const standard = given.get('retry-after')
  const wait =
    own !== undefined && /^\d{1,9}$/.test(own)
      ? Number(own)
      : standard === undefined
        ? Number.NaN
        : /^\d{1,6}$/.test(standard)
          ? Number(standard) * 1000
          : Date.parse(standard) - now
  return Number.isFinite(wait) && wait >= 0 ? Math.min(wait, LONGEST_HINT_MS) : undefined
}
