/**
 * The event that connector functions of ESC take: one user's new password, set by another user. Better than they do it: the
 * server is checked, the password is tried before it is reported as set, and the same event may come again.
 */
import { RotationFailure } from '../model/failures.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../rotators/database/schema.ts'
import { ENGINES, LOGIN_NAMES } from './engines.ts'
import { asFields, textOf, type Fields } from './fields.ts'
import { limitsWithin } from './limits.ts'

/** What a worker of Rekey allows itself where nobody says more. */
const CHANGE_TIMEOUT_MS = 5_000
const TIMEOUT_MS = 10_000
/** Taken as a password it would be one that nobody can log in with. */
const VERIFIER = /^(SCRAM-SHA-256\$|md5[0-9a-f]{32}$)/

/** @throws RotationFailure */
export async function runEvent(fields: Fields, remaining: number): Promise<void> {
  const engine = ENGINES.get(String(fields.type))
  const loginNames = LOGIN_NAMES.get(String(fields.type))
  if (!engine || !loginNames) {
    const known = [...ENGINES.keys()].join(', ')
    throw new RotationFailure('INPUT_INVALID', `type must be one of ${known}`, { unchanged: true })
  }
  const user = asFields(fields.rotateUser)
  const named = textOf(user.username, 'rotateUser.username')
  const password = textOf(user.newPassword, 'rotateUser.newPassword')
  if (VERIFIER.test(password))
    throw new RotationFailure(
      'INPUT_INVALID',
      'rotateUser.newPassword must be the password, not what is stored of it',
      {
        unchanged: true,
      },
    )
  const inputs = inputsOf(fields, named)
  const limits = { changeTimeout: CHANGE_TIMEOUT_MS, timeout: TIMEOUT_MS }
  const context = limitsWithin(remaining, { ...limits, sendBy: Date.now() + CHANGE_TIMEOUT_MS })
  // Refuses what cannot be, such as a user that would lock itself out.
  engine.targets(inputs)
  const [username] = loginNames(inputs)
  const credential: DatabaseCredential = { username, password }
  await engine.apply(inputs, credential, context)
  if ((await engine.test(inputs, credential, context)) === 'refused')
    throw new RotationFailure(
      'VERIFY_FAILED',
      `the password was set, and user ${JSON.stringify(username)} cannot log in with it`,
    )
}

/** Names for the other user, of which at least one is nobody's here. */
const OTHERS = ['rekey_other_1', 'rekey_other_2', 'rekey_other_3']

/** A rotator takes two users in turn; of the other one nothing is asked. */
function inputsOf(fields: Fields, username: string): DatabaseUserInputs {
  const { host, port, database, managingUser, sslmode, ca } = fields
  const taken = [username, String(asFields(managingUser).username)]
  const other = OTHERS.find((name) => taken.every((one) => !one.startsWith(name)))!
  return {
    database: { host, port, database, managingUser, sslmode, ca },
    rotateUsers: { username1: username, username2: other },
  } as DatabaseUserInputs
}
