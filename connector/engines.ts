/** The rotators that our connector function can run, by the type of their events. Nothing but the list. */
import type { DatabaseCredential, DatabaseUserInputs } from '../rotators/database/schema.ts'
import { postgres } from '../rotators/postgres.ts'
import type { Rotator } from '../rotators/rotator.ts'

export type Engine = Rotator<DatabaseUserInputs, DatabaseCredential, DatabaseCredential>

export const ENGINES: ReadonlyMap<string, Engine> = new Map([[postgres.name, postgres]])
