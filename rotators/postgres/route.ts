/** How PostgreSQL names users and databases, and the way to them. Pure; the rest is the same for every database. */
import * as database from '../database/route.ts'
import type { Naming, Route } from '../database/route.ts'
import type { PostgresCredential, PostgresInputs } from './schema.ts'

export type { Route } from '../database/route.ts'

/** PostgreSQL cuts longer names silently, so that two of them may mean one user. */
const MAX_NAME_BYTES = 63

function name(name: string, input: string): string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw database.invalid(`${input} is longer than ${MAX_NAME_BYTES} bytes, which PostgreSQL cuts off`)
  }
  return name
}

/** User names keep their case: PostgreSQL tells them apart. */
const NAMING: Naming = { scheme: 'postgres', defaultPort: 5432, user: name, database: name }

/** @throws RotationFailure INPUT_INVALID */
export function routeOf(inputs: PostgresInputs): Route {
  return database.routeOf(inputs, NAMING)
}

/** The managing user. @throws RotationFailure INPUT_INVALID */
export function managingUserOf(inputs: PostgresInputs): PostgresCredential {
  return database.managingUserOf(inputs, NAMING)
}

/** The two users that take turns. @throws RotationFailure INPUT_INVALID */
export function rotateUsersOf(inputs: PostgresInputs): [string, string] {
  return database.rotateUsersOf(inputs, NAMING)
}

/** `postgres://<host>:<port>/<user>`, one per user. @throws RotationFailure INPUT_INVALID */
export function targetsOf(inputs: PostgresInputs): string[] {
  return database.targetsOf(inputs, NAMING)
}
