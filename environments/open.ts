/**
 * Opening an environment: evaluated once, then read under a session. Values are kept in this process's memory alone;
 * the session's row says what was opened, so that any copy of the server can evaluate it again.
 */
import { open, type Diagnostic } from '../language/index.ts'
import { formatEnvironmentName, parseVersion } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { EnvironmentOfCaller } from '../store/callers.ts'
import { findEnvironmentById, type Environment } from '../store/environments.ts'
import { createSession, findSession, type OpenSession } from '../store/sessions.ts'
import { demandLevel } from './access.ts'
import { documentAt } from './documents.ts'
import { createHost } from './host.ts'
import { noteImports } from './imports-seen.ts'
import { openedValues, wireOf, type Opened } from './opened-values.ts'
import { noRevision, numberOf, readAgain } from './readings.ts'
import { warnOfRetired, type PinnedRevision } from './retired-credentials.ts'
import type { Services } from './services.ts'
import { propertyWire } from './value-wire.ts'

export interface OpenRequest {
  environment: Environment
  /** A revision number or a tag; the newest when absent. */
  version?: string
  login: string
  /** Milliseconds that the session may be read. */
  durationMs: number
  /**
   * Set when the environment and the person's right to open it were read from the store for this very request: what was
   * read with them, by full name.
   */
  justRead?: ReadonlyMap<string, EnvironmentOfCaller>
}

/** @throws Refusal not-found, forbidden, invalid (a duration; a definition that does not open, with diagnostics) */
export async function openEnvironment(
  services: Services,
  { environment, version, login, durationMs, justRead }: OpenRequest,
): Promise<{ sessionId: string; revision: number; diagnostics: Diagnostic[] }> {
  const { db, settings } = services
  if (!justRead) await demandLevel(db, environment, { login, level: 'open' })
  if (!(durationMs > 0 && durationMs <= settings.maxSessionDuration))
    throw new Refusal(
      'invalid',
      `an environment can be opened for at most ${settings.maxSessionDuration / 3600_000} hours at a time`,
    )
  const wanted = parseVersion(version ?? '')
  const now = justRead ? environment : await findEnvironmentById(db, environment.id)
  const revision = now && (await numberOf(services, now, wanted))
  const evaluated =
    revision === undefined ? undefined : await evaluate(services, { environment, revision, login, justRead })
  if (!now || revision === undefined || !evaluated)
    throw new Refusal('not-found', noRevision(environment, wanted))
  const { opened, pinned } = evaluated
  const { organization } = environment
  noteImports(
    services,
    environment,
    opened.readings.map(({ name }) => name),
  )
  const reference = `${formatEnvironmentName(environment)}@${version}`
  const older = revision < now.newestRevision ? [{ reference, environment: now, number: revision }] : []
  const session = await createSession(db, {
    environmentId: environment.id,
    organization,
    revision,
    login,
    durationMs,
  })
  openedValues(services).set(session.id, opened, session.leftMs)
  const warnings = await warnOfRetired(services, login, [...older, ...pinned])
  return { sessionId: session.id, revision, diagnostics: [...opened.diagnostics, ...warnings] }
}

export interface ReadSessionRequest {
  environment: Environment
  sessionId: string
  login: string
  /** A property path; without it, the whole environment. */
  property?: string
  /** Set as in `OpenRequest`: the session, read with them, if there is one. */
  justRead?: { session: OpenSession | undefined }
}

/**
 * What was opened, as JSON text.
 * @throws Refusal not-found (no such session of this person here, expired, or no such property), forbidden, invalid
 */
export async function readSession(
  services: Services,
  { environment, sessionId, login, property, justRead }: ReadSessionRequest,
): Promise<string> {
  const { db } = services
  if (!justRead) await demandLevel(db, environment, { login, level: 'open' })
  const session = justRead
    ? justRead.session
    : await findSession(db, { id: sessionId, environmentId: environment.id, login })
  if (!session)
    throw new Refusal(
      'not-found',
      `there is no open session ${sessionId} of ${formatEnvironmentName(environment)}; it may have expired`,
    )
  let opened = openedValues(services).get(session.id)
  if (!opened) {
    const { revision } = session
    const evaluated = await evaluate(services, { environment, revision, login })
    if (!evaluated)
      throw new Refusal('not-found', noRevision(environment, { kind: 'number', number: revision }))
    ;({ opened } = evaluated)
    openedValues(services).set(session.id, opened, session.leftMs)
  }
  return property === undefined ? wireOf(opened) : propertyWire(opened.values, property)
}

interface Evaluated {
  opened: Opened
  pinned: readonly PinnedRevision[]
}

/**
 * Undefined when there is no such revision. What the same person has open is not evaluated again, where that would yield
 * the same: the text is, and so is all that it reads, which the person may open at this moment.
 */
async function evaluate(
  services: Services,
  {
    environment,
    revision,
    login,
    justRead,
  }: {
    environment: Environment
    revision: number
    login: string
    justRead?: OpenRequest['justRead'] | undefined
  },
): Promise<Evaluated | undefined> {
  const name = formatEnvironmentName(environment)
  const origin = JSON.stringify([environment.id, revision, name, login])
  const alike = openedValues(services).ofOrigin(origin)
  const again = alike && (await readAgain(services, alike.readings, { login, justRead }))
  if (again) return { opened: alike, pinned: again }
  const stored = await documentAt(services, { environmentId: environment.id, number: revision, name })
  if (!stored) return undefined
  const host = createHost(services, { environment, login, logins: 'open', ...(justRead && { justRead }) })
  const { document, diagnostics: loading } = stored
  const evaluation = await open(document, host)
  host.throwIfStoreFailed()
  const diagnostics = [...loading, ...evaluation.diagnostics]
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (error) throw new Refusal('invalid', `the environment does not open: ${error.summary}`, diagnostics)
  const { readings, isRepeatable, pinned } = host
  const opened = { values: evaluation.environment, diagnostics, readings, ...(isRepeatable && { origin }) }
  return { opened, pinned }
}
