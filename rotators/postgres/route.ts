/**
 * Turns inputs into a route to the server and into the canonical names of the users behind it. Pure: refuses here
 * whatever can be refused without asking the server, always naming the input at fault and never its secret.
 */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { RotationFailure } from '../../model/failures.ts'
import { SSL_MODES } from './schema.ts'
import type { PostgresInputs, SslMode } from './schema.ts'

export interface Route {
  host: string
  port: number
  database: string
  sslmode: SslMode
  ca: string | undefined
}

/** PostgreSQL cuts longer names silently, so that two of them may mean one user. */
const MAX_NAME_BYTES = 63

const LOOPBACK = new Set(['localhost', 'localhost.localdomain', '127.0.0.1', '::1', '0.0.0.0', '::'])

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}

function text(value: unknown, input: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${input} must be a text that is not empty`)
  if (value.includes('\0') || !value.isWellFormed())
    throw invalid(`${input} holds characters that are not text`)
  return value
}

function name(value: unknown, input: string): string {
  const name = text(value, input)
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw invalid(`${input} is longer than ${MAX_NAME_BYTES} bytes, which PostgreSQL cuts off`)
  }
  return name
}

function portOf(value: unknown): number {
  if (value === undefined || value === null) return 5432
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw invalid('database.port must be a whole number from 1 to 65535')
  }
  return port
}

/** One spelling per host: lower case, without a final dot, addresses in their shortest form, without brackets. */
function canonicalHost(value: unknown): string {
  const host = text(value, 'database.host')
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (isIP(bare) === 6) {
    if (bare.includes('%')) return bare.toLowerCase()
    const address = new URL(`http://[${bare}]`).hostname.slice(1, -1)
    const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
    if (!mapped) return address
    const bits = parseInt(mapped[1]!, 16) * 0x10000 + parseInt(mapped[2]!, 16)
    return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.')
  }
  const ascii = domainToASCII(bare).replace(/\.$/, '')
  // Not a host: a list of them, a path of a socket, a URL, white space.
  if (ascii === '' || /[^a-z0-9._-]/.test(ascii)) {
    throw invalid('database.host must be one host name or address, without a port, a scheme or a path')
  }
  return ascii
}

function sslmodeOf(value: unknown, host: string): SslMode {
  if (value === undefined || value === null) return isLoopback(host) ? 'disable' : 'verify-full'
  const mode = SSL_MODES.find((known) => known === value)
  if (mode === undefined) throw invalid(`database.sslmode must be one of ${SSL_MODES.join(', ')}`)
  return mode
}

function caOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const blocks =
    text(value, 'database.ca').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    if (blocks.map((block) => new X509Certificate(block)).length > 0) return blocks.join('\n')
  } catch {
    // Told below; what the parser says helps nobody.
  }
  throw invalid('database.ca must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)')
}

function isLoopback(host: string): boolean {
  return LOOPBACK.has(host) || (isIP(host) === 4 && host.startsWith('127.'))
}

/** @throws RotationFailure INPUT_INVALID */
export function routeOf(inputs: PostgresInputs): Route {
  const { database } = inputs
  if (database?.connector !== undefined && database.connector !== null) {
    throw invalid(
      'database.connector is not supported yet; remove it to connect directly from the worker, or wait for a later release',
    )
  }
  const host = canonicalHost(database?.host)
  return {
    host,
    port: portOf(database.port),
    database: name(database.database, 'database.database'),
    sslmode: sslmodeOf(database.sslmode, host),
    ca: caOf(database.ca),
  }
}

/** The managing user. @throws RotationFailure INPUT_INVALID */
export function managingUserOf(inputs: PostgresInputs): { username: string; password: string } {
  const user = inputs.database.managingUser
  return {
    username: name(user?.username, 'database.managingUser.username'),
    password: text(user?.password, 'database.managingUser.password'),
  }
}

/** The two users that take turns. @throws RotationFailure INPUT_INVALID */
export function rotateUsersOf(inputs: PostgresInputs): [string, string] {
  const first = name(inputs.rotateUsers?.username1, 'rotateUsers.username1')
  const second = name(inputs.rotateUsers?.username2, 'rotateUsers.username2')
  if (first === second) {
    throw invalid('rotateUsers.username1 and rotateUsers.username2 name the same user; two are needed')
  }
  // Absent where the managing user is not resolved; whoever rotates has it, and asks again then.
  const managing: unknown = inputs.database.managingUser?.username
  if (managing === first || managing === second) {
    throw invalid('database.managingUser is one of rotateUsers; it would lock itself out')
  }
  return [first, second]
}

/** `postgres://<host>:<port>/<user>`, one per user. User names keep their case: PostgreSQL tells them apart. */
export function targetsOf(inputs: PostgresInputs): string[] {
  const { host, port } = routeOf(inputs)
  const place = LOOPBACK.has(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return rotateUsersOf(inputs)
    .map((user) => `postgres://${place}:${port}/${encodeURIComponent(user)}`)
    .sort()
}
