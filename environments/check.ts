/** Checks a text that belongs to no environment yet: what would it evaluate to, as far as can be told without logging in. */
import { check, load, type Diagnostic } from '../language/index.ts'
import { Refusal } from '../model/refusal.ts'
import { isMember } from '../store/users.ts'
import { createHost } from './host.ts'
import { redactEnvironment } from './redact.ts'
import { refuseTooLarge } from './refuse-text.ts'
import { warnOfRetired } from './retired-credentials.ts'
import type { Services } from './services.ts'
import { environmentWire } from './value-wire.ts'

export interface CheckRequest {
  organization: string
  text: string
  login: string
  /** Else everything secret is left out of the answer. */
  showSecrets: boolean
}

/**
 * `wire` is the environment as JSON text, also where there are errors.
 * @throws Refusal not-found (the organization), too-large, invalid (values that JSON cannot hold)
 */
export async function checkDefinition(
  services: Services,
  { organization, text, login, showSecrets }: CheckRequest,
): Promise<{ wire: string; diagnostics: Diagnostic[] }> {
  if (!(await isMember(services.db, organization, login)))
    throw new Refusal('not-found', `there is no organization ${organization}`)
  refuseTooLarge(text, services.settings.maxDefinitionSize)
  const host = createHost(services, { environment: { organization }, login, logins: 'unknown' })
  const { document, diagnostics } = load('<yaml>', text)
  const evaluation = await check(document, host, { showSecrets })
  host.throwIfStoreFailed()
  const values = evaluation.environment
  return {
    wire: environmentWire(values && !showSecrets ? redactEnvironment(values) : values),
    diagnostics: [
      ...diagnostics,
      ...evaluation.diagnostics,
      ...(await warnOfRetired(services, login, host.pinned)),
    ],
  }
}
