/** The shapes of the rotator `mysql`, as its users write them; what they share with other databases is in `database/`. */
import { DATABASE_STATE, databaseUserInputs } from '../database/schema.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../database/schema.ts'

export type MysqlInputs = DatabaseUserInputs
/** `username` is what one logs in with, without the host part of the account. */
export type MysqlCredential = DatabaseCredential

export const MYSQL_INPUTS = databaseUserInputs({
  defaultPort: 3306,
  userName: 'With the host part of its account after an @, unless that is %.',
  userNames: ['app_user_1', 'app_user_1@10.%'],
})

export const MYSQL_STATE = DATABASE_STATE
