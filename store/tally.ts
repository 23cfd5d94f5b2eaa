/** How much there is of what operators watch: counts and ages over all rows, in one bounded reading. */
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { overdueSchedules } from './due-times.ts'
import { inTransaction } from './transaction.ts'
import { unsettledCounts } from './unsettled-rows.ts'

/** Milliseconds that the database spends on one query at most. */
const QUERY_LIMIT = 2_000
const SECONDS = 1_000

/** Ages and lateness in seconds, by the database's clock; 0 where there is nothing. @throws when it takes too long. */
export async function tally(db: Database) {
  const { counts, unsettled, overdue } = await inTransaction(db, async (transaction) => {
    await sql`set transaction read only`.execute(transaction)
    await sql`select set_config('statement_timeout', ${String(QUERY_LIMIT)}, true)`.execute(transaction)
    return {
      counts: await readCounts(transaction),
      unsettled: await unsettledCounts(transaction),
      overdue: await overdueSchedules(transaction),
    }
  })
  return {
    ...counts,
    unsettledRotations: unsettled.reduce((sum, { rows }) => sum + rows, 0),
    oldestUnsettledRotation: Math.max(0, ...unsettled.map(({ oldest }) => oldest)) / SECONDS,
    overdueSchedules: overdue.length,
    latestOverdueSchedule: (overdue[0]?.late ?? 0) / SECONDS,
  }
}

type Counts = Record<
  | 'openEvents'
  | 'oldestOpenEvent'
  | 'waitingRequests'
  | 'oldestWaitingRequest'
  | 'environments'
  | 'revisions'
  | 'activeSchedules'
  | 'pausedSchedules'
  | 'oidcKeys'
  | 'oidcSigningKeyAge',
  number
>

/** Each part reads an index that holds nothing else, or a table with a row for each environment. */
async function readCounts(db: Parameters<Parameters<typeof inTransaction>[1]>[0]): Promise<Counts> {
  const { rows } = await sql<Counts>`
    select * from
      (select count(*)::float8 as "openEvents", ${age('created_at')} as "oldestOpenEvent"
        from rotation_events where completed_at is null) as events,
      (select count(*)::float8 as "waitingRequests", ${age('created_at')} as "oldestWaitingRequest"
        from rotation_requests where status = 'waiting') as requests,
      (select count(*) filter (where deleted_at is null)::float8 as "environments",
        coalesce(sum(newest_revision), 0)::float8 as "revisions" from environments) as environments,
      (select count(*) filter (where not paused)::float8 as "activeSchedules",
        count(*) filter (where paused)::float8 as "pausedSchedules" from schedules) as schedules,
      (select count(*)::float8 as "oidcKeys",
        coalesce(extract(epoch from now() - max(signs_from) filter (where signs_from <= now())), 0)::float8
          as "oidcSigningKeyAge" from oidc_keys) as oidc_keys`.execute(db)
  return rows[0]!
}

function age(column: string) {
  return sql`greatest(0, coalesce(extract(epoch from now() - min(${sql.ref(column)})), 0))::float8`
}
