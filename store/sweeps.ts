/** Which unsettled rotations the sweeper looks at, and how often it has. What it finds is an event of its own. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export interface SweepCandidate {
  rotationId: string
  environmentId: string
  /** `<organization>/<project>/<environment>` */
  environmentName: string
  /** Who asked for the rotation: his rights count. */
  login: string
  /** Events of the sweeper about it. */
  sweeps: number
  /** Milliseconds since the last of them was begun, by the store's clock; null before the first. */
  sinceLast: number | null
}

/**
 * Unsettled rotations, oldest first, whose change has landed by now or never will, in environments where nothing is
 * under way or waiting.
 */
export async function sweepCandidates(db: Queryable, limit: number): Promise<SweepCandidate[]> {
  const { rows } = await sql<SweepCandidate>`
    select r.id as "rotationId", r.environment_id as "environmentId", event.login,
      e.organization || '/' || e.project || '/' || e.name as "environmentName",
      (select count(*)::integer from rotation_events s
        where s.subject ->> 'rotation' = r.id::text and s.action <> 'rotate' and s.trigger = 'sweep') as sweeps,
      (select (extract(epoch from now() - max(s.created_at)) * 1000)::float8 from rotation_events s
        where s.subject ->> 'rotation' = r.id::text and s.action <> 'rotate' and s.trigger = 'sweep') as "sinceLast"
    from rotations r
    join rotation_events event on event.id = r.event_id
    join environments e on e.id = r.environment_id
    where r.sent_until is not null and r.settled_at is null and r.outcome is not null and r.sent_until < now()
      and not exists (
        select 1 from rotation_events o where o.environment_id = r.environment_id and o.completed_at is null)
      and not exists (
        select 1 from rotation_requests w where w.environment_id = r.environment_id and w.status = 'waiting')
    order by r.created_at
    limit ${limit}`.execute(db)
  return rows
}
