/** Whose turn it is, where a user may be named with its host part or without. Pure. */
import { nextUser } from '../database/turns.ts'
import type { RotatorState } from '../rotator.ts'
import { accountsOf, accountText, rotateUsersOf } from './route.ts'
import type { MysqlCredential, MysqlInputs } from './schema.ts'

/** By the name that one logs in with. In a state that people wrote, the host part may stand as well. */
export function turnOf(inputs: MysqlInputs, state: RotatorState<MysqlCredential>): string {
  const { current } = state
  const named = accountsOf(inputs).find((account) => accountText(account) === current?.username)
  const spelled = current && named ? { ...state, current: { ...current, username: named.name } } : state
  return nextUser(rotateUsersOf(inputs), spelled)
}
