/** What connectors have to know of PostgreSQL. Nothing but the list. */
import type { Engine } from '../connectors/connector.ts'
import { generatePassword } from '../database/password.ts'
import { nextUser } from '../database/turns.ts'
import { postgresExistingWays } from './existing-connector.ts'
import { managingUserOf, rotateUsersOf, routeOf } from './route.ts'

export const POSTGRES_ENGINE: Engine = {
  type: 'postgres',
  route: routeOf,
  managingUser: managingUserOf,
  rotateUsers: rotateUsersOf,
  turn: (inputs, state) => nextUser(rotateUsersOf(inputs), state),
  generatePassword,
  existing: postgresExistingWays,
}
