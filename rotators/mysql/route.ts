/**
 * How MySQL and MariaDB name accounts, and the way to them: an account is a name and the hosts it may come from, and
 * `app@10.%` is another one than `app@%`. Pure.
 */
import * as database from '../database/route.ts'
import type { Naming, Route } from '../database/route.ts'
import type { MysqlCredential, MysqlInputs } from './schema.ts'

export type { Route } from '../database/route.ts'

export interface Account {
  /** What one logs in with. */
  name: string
  /** A host name, an address or a pattern of them, in lower case: servers do not tell the cases apart. */
  host: string
}

/** MariaDB's limit; MySQL's is 32, and it refuses longer ones instead of cutting them. */
const MAX_NAME = 128
const MAX_HOST = 255
const MAX_DATABASE = 64

/** The last @ separates; without one the account is for every host. @throws RotationFailure INPUT_INVALID */
export function parseAccount(text: string, input: string): Account {
  const at = text.lastIndexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const host = at < 0 ? '%' : text.slice(at + 1).toLowerCase()
  if (name === '' || name.trim() !== name) {
    throw database.invalid(`${input} must begin with a user name, without spaces around it`)
  }
  // Servers keep names in three bytes a character, and a question mark for what needs four.
  if (/[\u{10000}-\u{10ffff}]/u.test(name))
    throw database.invalid(`${input} has characters that no user name can have`)
  if (Array.from(name).length > MAX_NAME)
    throw database.invalid(`${input} is longer than ${MAX_NAME} characters`)
  if (host === '' || host.length > MAX_HOST || /[^a-z0-9._:%/-]/.test(host)) {
    throw database.invalid(
      `${input} must be a user name, or one with the host part of its account after an @, without quotes: app, app@10.% or app@db.example.com`,
    )
  }
  return { name, host }
}

export function accountText({ name, host }: Account): string {
  return `${name}@${host}`
}

const NAMING: Naming = {
  scheme: 'mysql',
  defaultPort: 3306,
  user: (name, input) => accountText(parseAccount(name, input)),
  database(name, input) {
    if (Array.from(name).length > MAX_DATABASE)
      throw database.invalid(`${input} is longer than ${MAX_DATABASE} characters`)
    return name
  },
}

/** @throws RotationFailure INPUT_INVALID */
export function routeOf(inputs: MysqlInputs): Route {
  return database.routeOf(inputs, NAMING)
}

/** The managing user, by the name it logs in with. @throws RotationFailure INPUT_INVALID */
export function managingUserOf(inputs: MysqlInputs): MysqlCredential {
  return database.managingUserOf(inputs, NAMING)
}

/** The two accounts that take turns. @throws RotationFailure INPUT_INVALID */
export function accountsOf(inputs: MysqlInputs): [Account, Account] {
  const [first, second] = database
    .rotateUsersOf(inputs, NAMING)
    .map((text) => parseAccount(text, 'rotateUsers')) as [Account, Account]
  if (first.name === second.name) {
    throw database.invalid(
      'rotateUsers name one user at two hosts; whoever logs in cannot choose between them, so two names are needed',
    )
  }
  // Whatever its host part: it would be one user to whoever logs in.
  const managing: unknown = inputs.database.managingUser?.username
  if (managing === first.name || managing === second.name) {
    throw database.invalid('database.managingUser is one of rotateUsers; it would lock itself out')
  }
  return [first, second]
}

/** What the two log in with. @throws RotationFailure INPUT_INVALID */
export function rotateUsersOf(inputs: MysqlInputs): [string, string] {
  const [first, second] = accountsOf(inputs)
  return [first.name, second.name]
}

/** `mysql://<host>:<port>/<user>@<its hosts>`, one per account. @throws RotationFailure INPUT_INVALID */
export function targetsOf(inputs: MysqlInputs): string[] {
  accountsOf(inputs)
  return database.targetsOf(inputs, NAMING)
}
