/**
 * What connector functions that are not ours can do with PostgreSQL: run ALTER USER, and tell in PostgreSQL's own words how
 * that ended. The words are read here and go no further.
 */
import { randomBytes } from 'node:crypto'
import type { ExistingWays, Reading } from '../connectors/connector.ts'
import { scramVerifier } from './password.ts'

/** What PostgreSQL itself uses unless it is told otherwise. */
const ITERATIONS = 4096

/** In the order in which they are looked for: what a server says while it lets somebody in stands first. */
const MEANINGS: [RegExp, Reading][] = [
  [/unknown event type|no password provided/, 'unclear'],
  [/invalid (port|userinfo|URL escape)|missing ['"]=|parse ["']?postgres|net\/url/i, 'bad address'],
  [/password authentication failed|SQLSTATE 28P01/, 'no login'],
  [
    /pg_hba\.conf|SSL (is )?required|server requires (SSL|encryption)|is not permitted to log in|SQLSTATE 28000/i,
    'not let in',
  ],
  [/permission denied for database|database "[^"]*" does not exist|SQLSTATE 3D000/, 'no such database'],
  [/too many (clients|connections)|remaining connection slots|SQLSTATE 53\d{3}/, 'busy'],
  [/tuple concurrently|SQLSTATE 40/, 'busy'],
  [/read-only transaction|SQLSTATE 25006/, 'read-only'],
  [/lock timeout|statement timeout|canceling statement|context deadline|SQLSTATE 5(5P03|7014)/, 'late'],
  [/i\/o timeout|connection timed out/, 'unreachable'],
  [
    /dial tcp|connection refused|no such host|no route|\bEOF\b|broken pipe|reset by peer|bad connection/,
    'unreachable',
  ],
  [/starting up|shutting down|terminating connection|SQLSTATE 57P/, 'unreachable'],
  [/permission denied|must have admin option|must be superuser|SQLSTATE 42501/i, 'denied'],
  [/password (is too|must|should|may not|cannot contain)|SQLSTATE (22|23|P0)/i, 'refused value'],
]

export const postgresExistingWays: ExistingWays = {
  user: (_inputs, username) => username,

  mayTrust: true,

  newPassword: ({ password }) => scramVerifier(password, randomBytes(16), ITERATIONS),

  read(message, { managing, rotated }) {
    // Some say first whom they were about to change, whatever came in between.
    const words = message.replace(`error rotating user ${JSON.stringify(rotated)}:`, '')
    if (new RegExp(`role ${quoted(managing)} does not exist`).test(words)) return 'no login'
    const found = MEANINGS.find(([pattern]) => pattern.test(words))
    if (found) return found[1]
    // In every language the server names the user that it looked for in vain.
    return words.includes(`"${rotated}"`) ||
      words.includes(`»${rotated}«`) ||
      words.includes(`« ${rotated} »`)
      ? 'no such user'
      : 'unclear'
  },
}

function quoted(name: string): string {
  return `"${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}"`
}
