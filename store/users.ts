/** Organizations, the people in them, and who belongs where. */
import type { Queryable } from './database.ts'

export interface User {
  login: string
  name: string
  email: string | null
}

/** Makes the organization unless it exists. */
export async function ensureOrganization(db: Queryable, name: string): Promise<void> {
  await db
    .insertInto('organizations')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function organizationExists(db: Queryable, name: string): Promise<boolean> {
  return (
    (await db.selectFrom('organizations').select('name').where('name', '=', name).executeTakeFirst()) !==
    undefined
  )
}

/** Makes the user unless there is one with this login, whose name and email then stay. */
export async function ensureUser(
  db: Queryable,
  { login, name, email }: { login: string; name?: string; email?: string },
): Promise<void> {
  await db
    .insertInto('users')
    .values({ login, name: name ?? login, email: email ?? null })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function findUser(db: Queryable, login: string): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .select(['login', 'name', 'email'])
    .where('login', '=', login)
    .executeTakeFirst()
}

export async function addMember(db: Queryable, organization: string, login: string): Promise<void> {
  await db
    .insertInto('members')
    .values({ organization, login })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function isMember(db: Queryable, organization: string, login: string): Promise<boolean> {
  const row = await db
    .selectFrom('members')
    .select('login')
    .where('organization', '=', organization)
    .where('login', '=', login)
    .executeTakeFirst()
  return row !== undefined
}

/** The organizations of a person, by name. */
export async function organizationsOf(db: Queryable, login: string): Promise<string[]> {
  const rows = await db
    .selectFrom('members')
    .select('organization')
    .where('login', '=', login)
    .orderBy('organization')
    .execute()
  return rows.map((row) => row.organization)
}

/** The people of an organization, by login. */
export async function membersOf(db: Queryable, organization: string): Promise<User[]> {
  return db
    .selectFrom('members')
    .innerJoin('users', 'users.login', 'members.login')
    .select(['users.login', 'users.name', 'users.email'])
    .where('organization', '=', organization)
    .orderBy('users.login')
    .execute()
}
