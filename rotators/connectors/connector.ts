/**
 * How the users of a database are reached: from the worker itself (`direct.ts`), or through a function in the network of the
 * database (`aws-lambda.ts`). A connector does what a rotator asks of it, keeps nothing, and never decides what is asked.
 */
import type { Route } from '../database/route.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../database/schema.ts'
import type { Rehearsal, Rotator, RotatorContext, RotatorState, TestAnswer } from '../rotator.ts'

/** What is written down before anything is sent. */
export interface PreparedUser extends DatabaseCredential {
  /** Milliseconds for which the change may still land when a direct one could not any more; see `Rotator.lingers`. */
  lingers?: number
}

/** The methods of a rotator that ask a database, inputs without connector. */
export interface Connector {
  prepare(
    inputs: DatabaseUserInputs,
    state: RotatorState<DatabaseCredential>,
    context: RotatorContext,
  ): Promise<PreparedUser>
  rehearse(
    inputs: DatabaseUserInputs,
    state: RotatorState<DatabaseCredential>,
    context: RotatorContext,
  ): Promise<Rehearsal>
  apply(inputs: DatabaseUserInputs, prepared: PreparedUser, context: RotatorContext): Promise<void>
  test(
    inputs: DatabaseUserInputs,
    credential: DatabaseCredential,
    context: RotatorContext,
  ): Promise<TestAnswer>
  whyRefused?(
    inputs: DatabaseUserInputs,
    credential: DatabaseCredential,
    context: RotatorContext,
  ): Promise<string | undefined>
}

export type DirectRotator = Rotator<DatabaseUserInputs, DatabaseCredential, DatabaseCredential>

/** What connectors have to know of one product. */
export interface Engine {
  /** The type of its events: the name of its rotator. */
  type: string
  /** @throws RotationFailure INPUT_INVALID, as the next two */
  route(inputs: DatabaseUserInputs): Route
  managingUser(inputs: DatabaseUserInputs): DatabaseCredential
  /** By the names that they log in with. */
  rotateUsers(inputs: DatabaseUserInputs): [string, string]
  /** Whose turn it is, by the same names. @throws RotationFailure STATE_INVALID */
  turn(inputs: DatabaseUserInputs, state: RotatorState<DatabaseCredential>): string
  /** A new one that the usual policies take. */
  generatePassword(): string
  /** For connector functions that are not ours. */
  existing: ExistingWays
}

export interface ExistingWays {
  /** One of `rotateUsers` as they name it. @throws RotationFailure INPUT_INVALID for one that they cannot change */
  user(inputs: DatabaseUserInputs, username: string): string
  /** What is sent as a new password: what the server stores of it, where it takes that. */
  newPassword(credential: DatabaseCredential): Promise<string>
  /** Can a server be told to let users in whatever their password is? */
  mayTrust: boolean
  /** What a message of theirs means; `unclear` where nothing can be told from it. */
  read(message: string, asked: { managing: string; rotated: string }): Reading
}

/**
 * `no login`: the server refused the password of the one who was to manage. `no such user`, `denied`: it let him in, and refused
 * the change. The others say nothing about a password.
 */
export type Reading =
  | 'no login'
  | 'no such user'
  | 'denied'
  | 'refused value'
  | 'not let in'
  | 'no such database'
  | 'unreachable'
  | 'late'
  | 'busy'
  | 'read-only'
  | 'bad address'
  | 'unclear'
