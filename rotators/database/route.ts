/**
 * Turns inputs into a route to the server and into the canonical names of the users behind it. Pure: refuses here
 * whatever can be refused without asking the server, always naming the input at fault and never its secret.
 */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { RotationFailure } from '../../model/failures.ts'
import { SSL_MODES } from './schema.ts'
import type { DatabaseCredential, DatabaseUserInputs, SslMode } from './schema.ts'

export interface Route {
  host: string
  port: number
  database: string
  sslmode: SslMode
  ca: string | undefined
}

/** What differs between the products. */
export interface Naming {
  /** The scheme of target names: `postgres`. */
  scheme: string
  defaultPort: number
  /**
   * The one spelling of a user's name, given one that is text; two are the same user exactly if these are equal.
   * @throws RotationFailure INPUT_INVALID naming `input`
   */
  user(name: string, input: string): string
  /** Likewise of a database. */
  database(name: string, input: string): string
}

const LOOPBACK = new Set(['localhost', 'localhost.localdomain', '127.0.0.1', '::1', '0.0.0.0', '::'])

export function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}

function text(value: unknown, input: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${input} must be a text that is not empty`)
  if (value.includes('\0') || !value.isWellFormed())
    throw invalid(`${input} holds characters that are not text`)
  return value
}

function portOf(value: unknown, usual: number): number {
  if (value === undefined || value === null) return usual
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

/** @param host in its canonical form */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host) || (isIP(host) === 4 && host.startsWith('127.'))
}

/** @throws RotationFailure INPUT_INVALID */
export function routeOf({ database }: DatabaseUserInputs, naming: Naming): Route {
  if (database?.connector !== undefined && database.connector !== null) {
    throw invalid('database.connector is not for whoever connects to the database itself')
  }
  const host = canonicalHost(database?.host)
  return {
    host,
    port: portOf(database.port, naming.defaultPort),
    database: naming.database(text(database.database, 'database.database'), 'database.database'),
    sslmode: sslmodeOf(database.sslmode, host),
    ca: caOf(database.ca),
  }
}

/** The managing user, its name as it was given. @throws RotationFailure INPUT_INVALID */
export function managingUserOf({ database }: DatabaseUserInputs, naming: Naming): DatabaseCredential {
  const user = database.managingUser
  const username = text(user?.username, 'database.managingUser.username')
  naming.user(username, 'database.managingUser.username')
  return { username, password: text(user?.password, 'database.managingUser.password') }
}

/** The two users that take turns, each in its one spelling. @throws RotationFailure INPUT_INVALID */
export function rotateUsersOf(
  { database, rotateUsers }: DatabaseUserInputs,
  naming: Naming,
): [string, string] {
  const name = (value: unknown, input: string) => naming.user(text(value, input), input)
  const first = name(rotateUsers?.username1, 'rotateUsers.username1')
  const second = name(rotateUsers?.username2, 'rotateUsers.username2')
  if (first === second) {
    throw invalid('rotateUsers.username1 and rotateUsers.username2 name the same user; two are needed')
  }
  // Absent where the managing user is not resolved; whoever rotates has it, and asks again then.
  const managing: unknown = database.managingUser?.username
  if (typeof managing === 'string' && managing !== '') {
    const manager = naming.user(managing, 'database.managingUser.username')
    if (manager === first || manager === second)
      throw invalid('database.managingUser is one of rotateUsers; it would lock itself out')
  }
  return [first, second]
}

/** `<scheme>://<host>:<port>/<user>`, one per user. @throws RotationFailure INPUT_INVALID */
export function targetsOf(inputs: DatabaseUserInputs, naming: Naming): string[] {
  const { host, port } = routeOf(inputs, naming)
  const place = LOOPBACK.has(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return rotateUsersOf(inputs, naming)
    .map((user) => `${naming.scheme}://${place}:${port}/${encodeURIComponent(user)}`)
    .sort()
}
