/** Who may do what: grants on an environment, on a project, or on the whole organization. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { highestLevel, type Level } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'
import { addMember, findUser } from './users.ts'
import { inTransaction } from './transaction.ts'

/** Without `project` the whole organization, without `environmentId` the whole project. */
export interface GrantScope {
  organization: string
  project?: string
  environmentId?: string
}

export interface Grant {
  id: string
  organization: string
  project: string | null
  environmentId: string | null
  login: string
  level: Level
  grantedBy: string
  createdAt: Date
}

/** Gives a level, in place of the one that the person had on exactly this scope. @throws Refusal not-found (the user) */
export async function giveGrant(
  db: Queryable,
  { scope, login, level, grantedBy }: { scope: GrantScope; login: string; level: Level; grantedBy: string },
): Promise<void> {
  await inTransaction(db, async (transaction) => {
    if (!(await findUser(transaction, login))) throw new Refusal('not-found', `there is no user ${login}`)
    await addMember(transaction, scope.organization, login)
    await transaction
      .insertInto('grants')
      .values({
        id: randomUUID(),
        organization: scope.organization,
        project: scope.project ?? null,
        environment_id: scope.environmentId ?? null,
        login,
        level,
        granted_by: grantedBy,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['organization', 'project', 'environment_id', 'login'])
          .doUpdateSet({ level, granted_by: grantedBy }),
      )
      .execute()
  })
}

/** Takes a grant back. @throws Refusal not-found */
export async function takeGrant(
  db: Queryable,
  { scope, login }: { scope: GrantScope; login: string },
): Promise<void> {
  const taken = await db
    .deleteFrom('grants')
    .where('organization', '=', scope.organization)
    .where('project', 'is not distinct from', scope.project ?? null)
    .where('environment_id', 'is not distinct from', scope.environmentId ?? null)
    .where('login', '=', login)
    .executeTakeFirst()
  if (taken.numDeletedRows === 0n) throw new Refusal('not-found', `${login} has no such grant`)
}

/** The grants of an organization, or only those on one environment itself. */
export async function listGrants(
  db: Queryable,
  { organization, environmentId }: { organization: string; environmentId?: string },
): Promise<Grant[]> {
  let query = db
    .selectFrom('grants')
    .select([
      'id',
      'organization',
      'project',
      'environment_id as environmentId',
      'login',
      'level',
      'granted_by as grantedBy',
      'created_at as createdAt',
    ])
    .where('organization', '=', organization)
  if (environmentId !== undefined) query = query.where('environment_id', '=', environmentId)
  return query
    .orderBy(sql`project nulls first`)
    .orderBy('login')
    .orderBy('created_at')
    .execute()
}

/** The highest level that a person has on an environment by any grant; null when none. */
export async function levelOn(
  db: Queryable,
  login: string,
  environment: { id: string; organization: string; project: string },
): Promise<Level | null> {
  return highest(db, login, environment.organization, environment.project, environment.id)
}

/** As `levelOn`, for a whole project: what counts for environments that do not exist yet. */
export async function levelOnProject(
  db: Queryable,
  login: string,
  { organization, project }: { organization: string; project: string },
): Promise<Level | null> {
  return highest(db, login, organization, project, null)
}

/** `admin` here is an administrator of the organization. */
export async function levelOnOrganization(
  db: Queryable,
  login: string,
  organization: string,
): Promise<Level | null> {
  return highest(db, login, organization, null, null)
}

async function highest(
  db: Queryable,
  login: string,
  organization: string,
  project: string | null,
  environmentId: string | null,
): Promise<Level | null> {
  const rows = await db
    .selectFrom('grants')
    .select('level')
    .where('login', '=', login)
    .where('organization', '=', organization)
    .where((grant) =>
      grant.or([
        grant('project', 'is', null),
        grant.and([grant('project', '=', project), grant('environment_id', 'is', null)]),
        grant('environment_id', '=', environmentId),
      ]),
    )
    .execute()
  return highestLevel(rows.map((row) => row.level))
}
