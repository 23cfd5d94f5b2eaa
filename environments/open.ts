/**
 * Opening an environment: evaluated once, then read under a session. Values are kept in this process's memory alone;
 * the session's row says what was opened, so that any copy of the server can evaluate it again.
 */
import { load, open, type Diagnostic, type Environment as Values } from '../language/index.ts'
import { formatEnvironmentName, parseVersion } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Environment } from '../store/environments.ts'
import { getRevision, revisionAt, type Revision } from '../store/revisions.ts'
import { createSession, findSession } from '../store/sessions.ts'
import { inTransaction } from '../store/transaction.ts'
import { demandLevel } from './access.ts'
import { createHost, noRevision } from './host.ts'
import { openedValues } from './opened-values.ts'
import type { Services } from './services.ts'
import { environmentWire, propertyWire } from './value-wire.ts'

export interface OpenRequest {
  environment: Environment
  /** A revision number or a tag; the newest when absent. */
  version?: string
  login: string
  /** Milliseconds that the session may be read. */
  durationMs: number
}

/** @throws Refusal not-found, forbidden, invalid (a duration; a definition that does not open, with diagnostics) */
export async function openEnvironment(
  services: Services,
  { environment, version, login, durationMs }: OpenRequest,
): Promise<{ sessionId: string; revision: number; diagnostics: Diagnostic[] }> {
  const { db, settings } = services
  await demandLevel(db, environment, { login, level: 'open' })
  if (!(durationMs > 0 && durationMs <= settings.maxSessionDuration))
    throw new Refusal(
      'invalid',
      `an environment can be opened for at most ${settings.maxSessionDuration / 3600_000} hours at a time`,
    )
  const wanted = parseVersion(version ?? '')
  const revision = await revisionAt(db, environment.id, wanted)
  if (!revision) throw new Refusal('not-found', noRevision(environment, wanted))
  const { values, diagnostics } = await evaluate(services, { environment, revision, login })
  const session = await inTransaction(db, async (transaction) => {
    const made = await createSession(transaction, {
      environmentId: environment.id,
      revision: revision.number,
      login,
      durationMs,
    })
    await appendAudit(transaction, {
      actor: login,
      action: 'environment.open',
      organization: environment.organization,
      environmentId: environment.id,
      details: { revision: revision.number, session: made.id },
    })
    return made
  })
  openedValues(services).set(session.id, values, session.leftMs)
  return { sessionId: session.id, revision: revision.number, diagnostics }
}

export interface ReadSessionRequest {
  environment: Environment
  sessionId: string
  login: string
  /** A property path; without it, the whole environment. */
  property?: string
}

/**
 * What was opened, as JSON text.
 * @throws Refusal not-found (no such session of this person here, expired, or no such property), forbidden, invalid
 */
export async function readSession(
  services: Services,
  { environment, sessionId, login, property }: ReadSessionRequest,
): Promise<string> {
  const { db } = services
  await demandLevel(db, environment, { login, level: 'open' })
  const session = await findSession(db, { id: sessionId, environmentId: environment.id, login })
  if (!session)
    throw new Refusal(
      'not-found',
      `there is no open session ${sessionId} of ${formatEnvironmentName(environment)}; it may have expired`,
    )
  let values = openedValues(services).get(session.id)
  if (values === undefined) {
    const revision = await getRevision(db, environment.id, session.revision)
    if (!revision)
      throw new Refusal('not-found', noRevision(environment, { kind: 'number', number: session.revision }))
    values = (await evaluate(services, { environment, revision, login })).values
    openedValues(services).set(session.id, values, session.leftMs)
  }
  if (property !== undefined) return propertyWire(values, property)
  return environmentWire(values)
}

async function evaluate(
  services: Services,
  { environment, revision, login }: { environment: Environment; revision: Revision; login: string },
): Promise<{ values: Values | null; diagnostics: Diagnostic[] }> {
  const host = createHost(services, { environment, login, logins: 'open' })
  const { document, diagnostics: loading } = load(formatEnvironmentName(environment), revision.text)
  const evaluation = await open(document, host)
  host.throwIfStoreFailed()
  const diagnostics = [...loading, ...evaluation.diagnostics]
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (error) throw new Refusal('invalid', `the environment does not open: ${error.summary}`, diagnostics)
  return { values: evaluation.environment, diagnostics }
}
