/** What connectors have to know of MySQL and MariaDB. Nothing but the list. */
import type { Engine } from '../connectors/connector.ts'
import { mysqlExistingWays } from './existing-connector.ts'
import { generatePassword } from './password.ts'
import { managingUserOf, rotateUsersOf, routeOf } from './route.ts'
import { turnOf } from './turn.ts'

export const MYSQL_ENGINE: Engine = {
  type: 'mysql',
  route: routeOf,
  managingUser: managingUserOf,
  rotateUsers: rotateUsersOf,
  turn: turnOf,
  generatePassword,
  existing: mysqlExistingWays,
}
