/** The rotators that our connector function can run, by the type of their events, and what they leave open. Nothing but the lists. */
import type { DirectRotator } from '../rotators/connectors/connector.ts'
import { mysql } from '../rotators/mysql.ts'
import { postgres } from '../rotators/postgres.ts'
import { endRestingSessions } from '../rotators/postgres/managing-sessions.ts'

export const ENGINES: ReadonlyMap<string, DirectRotator> = new Map(
  [mysql, postgres].map((rotator) => [rotator.name, rotator]),
)

/** A function is frozen when it has answered: what it kept open for the next event would rest there for ever. */
export function endSessions(): void {
  endRestingSessions()
}
