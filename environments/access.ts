/** Finds environments for people: what somebody may not read does not exist for them. */
import { formatEnvironmentName, type EnvironmentName } from '../model/environment-name.ts'
import { allows, type Level } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from '../store/database.ts'
import { findEnvironment, type Environment } from '../store/environments.ts'
import { levelOn, levelOnProject } from '../store/grants.ts'
import { isMember } from '../store/users.ts'

/** @throws Refusal not-found (also when `login` may not read it), forbidden */
export async function findAllowed(
  db: Queryable,
  name: EnvironmentName,
  { login, level }: { login: string; level: Level },
): Promise<Environment> {
  const environment = await findEnvironment(db, name)
  if (!environment) throw new Refusal('not-found', doesNotExist(name))
  await demandLevel(db, environment, { login, level })
  return environment
}

/** @throws Refusal not-found (when `login` may not even read it), forbidden */
export async function demandLevel(
  db: Queryable,
  environment: Environment,
  { login, level }: { login: string; level: Level },
): Promise<void> {
  const has = await levelOn(db, login, environment)
  if (!allows(has, 'read')) throw new Refusal('not-found', doesNotExist(environment))
  if (!allows(has, level))
    throw new Refusal(
      'forbidden',
      `${login} has no right to ${VERBS[level]} environment ${formatEnvironmentName(environment)}: ` +
        `that takes a grant of "${level}", and the highest there is "${has}"`,
    )
}

/** What making an environment in a project takes. @throws Refusal forbidden */
export async function demandLevelOnProject(
  db: Queryable,
  { organization, project }: { organization: string; project: string },
  { login, level }: { login: string; level: Level },
): Promise<void> {
  if (!(await isMember(db, organization, login)))
    throw new Refusal('not-found', `there is no organization ${organization}`)
  if (!allows(await levelOnProject(db, login, { organization, project }), level))
    throw new Refusal(
      'forbidden',
      `${login} may not make environments in project ${project}: that takes a grant of "${level}" on it`,
    )
}

export function doesNotExist(name: { project: string; name: string }): string {
  return `environment ${formatEnvironmentName(name)} does not exist`
}

const VERBS: Record<Level, string> = {
  read: 'read',
  open: 'open',
  write: 'change',
  admin: 'administer',
}
