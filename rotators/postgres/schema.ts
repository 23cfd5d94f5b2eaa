/** The shapes of the rotator `postgres`, as its users write them; what they share with other databases is in `database/`. */
import { DATABASE_STATE, databaseUserInputs } from '../database/schema.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../database/schema.ts'

export type { DatabaseInputs } from '../database/schema.ts'
export type PostgresInputs = DatabaseUserInputs
export type PostgresCredential = DatabaseCredential

export const POSTGRES_INPUTS = databaseUserInputs({ defaultPort: 5432, userNames: ['app_user_1'] })

export const POSTGRES_STATE = DATABASE_STATE
