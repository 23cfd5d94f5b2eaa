/** Everything that a server holds about the users of a target: attributes, verifiers, settings, memberships, locks. */
import type { TargetDatabase } from './servers.ts'

export async function snapshotOf(target: TargetDatabase): Promise<unknown> {
  const names = [target.managing, ...target.rotated].map(({ username }) => username)
  return {
    // xmin: not even a row that was written again with the same in it.
    roles: await target.admin('select xmin, * from pg_authid where rolname = any($1) order by rolname', [
      names,
    ]),
    settings: await target.admin(
      'select s.* from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where rolname = any($1) order by 1, 2',
      [names],
    ),
    members: await target.admin(
      'select m.* from pg_auth_members m join pg_roles r on r.oid in (m.member, m.roleid) where rolname = any($1) order by m.roleid, m.member, m.grantor, r.oid',
      [names],
    ),
  }
}

/** Locks and transactions that sessions in this target's database hold, without the asking one's own. */
export async function heldIn(target: TargetDatabase): Promise<unknown[]> {
  return await target.admin(
    `select a.state, l.mode, l.locktype from pg_stat_activity a left join pg_locks l on l.pid = a.pid
      where a.datname = current_database() and a.pid <> pg_backend_pid()
        and (a.xact_start is not null or l.locktype in ('relation', 'tuple', 'object', 'transactionid'))`,
  )
}
