/** Making an environment: whoever may write in the project may, and administers what he made. */
import { checkEnvironmentName, type EnvironmentName } from '../model/environment-name.ts'
import { appendAudit } from '../store/audit.ts'
import type { Queryable } from '../store/database.ts'
import { createEnvironment as insertEnvironment, type Environment } from '../store/environments.ts'
import { giveGrant } from '../store/grants.ts'
import { inTransaction } from '../store/transaction.ts'
import { demandLevelOnProject } from './access.ts'
import type { Services } from './services.ts'

/** @throws Refusal invalid (the name), not-found (the organization), forbidden, conflict */
export async function createEnvironment(
  services: Services,
  { login, ...name }: EnvironmentName & { login: string },
): Promise<Environment> {
  checkEnvironmentName(name)
  await demandLevelOnProject(services.db, name, { login, level: 'write' })
  return inTransaction(services.db, async (transaction) => {
    const environment = await insertEnvironment(transaction, services.keeper, { ...name, creator: login })
    await welcome(transaction, environment, login, 'environment.create')
    return environment
  })
}

/** What every new environment gets: an administrator and a line in the audit log. */
export async function welcome(
  db: Queryable,
  { id, organization, project }: Environment,
  login: string,
  action: string,
): Promise<void> {
  const scope = { organization, project, environmentId: id }
  await giveGrant(db, { scope, login, level: 'admin', grantedBy: login })
  await appendAudit(db, { actor: login, action, organization, environmentId: id })
}
