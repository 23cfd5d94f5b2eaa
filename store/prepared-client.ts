/**
 * The `pg` client, with statements that come again and again prepared: the server parses and plans them once a
 * connection. Changes no statement and no answer.
 */
import pg from 'pg'

/** Statements that are prepared; more would be those with lists of any length, which cost the server memory. */
const MAX_PREPARED = 200
const MAX_SEEN = 2_000
const MAX_LENGTH = 4_000
/** A statement that came this often will come again. */
const WORTH_IT = 3
/** What it yields may change with the schema, under a server that runs on: such a statement would fail from then on. */
const ALL_COLUMNS = /(?:\bselect|\breturning|,|\.)\s*\*/i

const names = new Map<string, string>()
const seen = new Map<string, number>()

/** The name under which a statement is prepared, the same on every connection; undefined for one that is not. */
export function preparedName(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined) return known
  if (names.size >= MAX_PREPARED || text.length > MAX_LENGTH || ALL_COLUMNS.test(text)) return undefined
  const count = (seen.get(text) ?? 0) + 1
  if (count < WORTH_IT) {
    if (seen.size >= MAX_SEEN) seen.clear()
    seen.set(text, count)
    return undefined
  }
  seen.delete(text)
  const name = `rekey_${names.size + 1}`
  names.set(text, name)
  return name
}

type Query = (...given: unknown[]) => unknown

export class PreparedClient extends pg.Client {
  // The base class has many forms of it; only texts with values are touched here.
  override query = ((...given: unknown[]): unknown => {
    const [text, values] = given
    const base = pg.Client.prototype.query as Query
    if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0)
      return base.apply(this, given)
    const name = preparedName(text)
    return name === undefined
      ? base.apply(this, given)
      : base.call(this, { name, text, values }, ...given.slice(2))
  }) as pg.Client['query']
}
