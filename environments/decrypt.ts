/** The text of a revision with its secrets in clear, for somebody who may open the environment. */
import { revealSecrets } from '../language/index.ts'
import { parseVersion } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Environment } from '../store/environments.ts'
import { revisionAt } from '../store/revisions.ts'
import { demandLevel } from './access.ts'
import { decryptFor } from './host.ts'
import { noRevision } from './readings.ts'
import type { Services } from './services.ts'

/** @throws Refusal not-found, forbidden */
export async function decryptDefinition(
  services: Services,
  { environment, version, login }: { environment: Environment; version?: string; login: string },
): Promise<{ text: string; revision: number }> {
  await demandLevel(services.db, environment, { login, level: 'open' })
  const wanted = parseVersion(version ?? '')
  const revision = await revisionAt(services.db, environment.id, wanted)
  if (!revision) throw new Refusal('not-found', noRevision(environment, wanted))
  const text =
    revision.text === ''
      ? ''
      : await revealSecrets(revision.text, (ciphertext) => decryptFor(services, environment.id, ciphertext))
  await appendAudit(services.db, {
    actor: login,
    action: 'environment.decrypt',
    organization: environment.organization,
    environmentId: environment.id,
    details: { revision: revision.number },
  })
  return { text, revision: revision.number }
}
