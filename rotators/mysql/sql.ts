/** Names and texts in SQL, for sessions that were told what a quote and a backslash mean (`SPEECH`). Pure. */
import type { Account } from './route.ts'

/** The first thing on each session of ours: one meaning of quotes, one character set, messages that can be told apart. */
export const SPEECH = `SET NAMES utf8mb4, SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', SESSION lc_messages = 'en_US'`

/** MariaDB alone reads such comments. What a server or a proxy calls itself says nothing: it can be set. */
export const WHICH = 'SELECT 0 /*M! + 1 */ AS mariadb, CONNECTION_ID() AS id, @@GLOBAL.read_only AS read_only'

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function quoteAccount({ name, host }: Account): string {
  return `${quoteText(name)}@${quoteText(host)}`
}

/** For people who copy it into a client with the usual settings, where a backslash escapes. */
export function shownAccount({ name, host }: Account): string {
  return quoteAccount({ name: name.replaceAll('\\', '\\\\'), host })
}
