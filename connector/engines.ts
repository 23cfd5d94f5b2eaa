/** The rotators that our connector function can run, by the type of their events, and what they leave open. Nothing but the lists. */
import type { DirectRotator, Engine } from '../rotators/connectors/connector.ts'
import { mysql } from '../rotators/mysql.ts'
import { MYSQL_ENGINE } from '../rotators/mysql/engine.ts'
import { postgres } from '../rotators/postgres.ts'
import { POSTGRES_ENGINE } from '../rotators/postgres/engine.ts'
import { endRestingSessions } from '../rotators/postgres/managing-sessions.ts'

export const ENGINES: ReadonlyMap<string, DirectRotator> = new Map(
  [mysql, postgres].map((rotator) => [rotator.name, rotator]),
)

/** The two names that users log in with, which a definition may name in other ways. */
export const LOGIN_NAMES: ReadonlyMap<string, Engine['rotateUsers']> = new Map(
  [MYSQL_ENGINE, POSTGRES_ENGINE].map(({ type, rotateUsers }) => [type, rotateUsers]),
)

/** A function is frozen when it has answered: what it kept open for the next event would rest there for ever. */
export function endSessions(): void {
  endRestingSessions()
}
