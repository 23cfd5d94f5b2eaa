/** The API in front of the whole line: real store, Temporal, worker and target, listening on a port. */
import { rehearse } from '../../client/rehearsals.ts'
import type { RotationLimits } from '../../activities/services.ts'
import { isKnown, request, wait } from '../../client/rotations.ts'
import { deleteSchedule, syncSchedule } from '../../client/schedules.ts'
import type { OidcSettings } from '../../environments/oidc/settings.ts'
import { createApp } from '../../server/app.ts'
import { createToken } from '../../store/tokens.ts'
import { startLine, type Line } from '../support/line.ts'

export interface LineApi {
  line: Line
  /** Without a slash at its end. */
  url: string
  port: number
  /** An access token of `ada`, who administers the organization `acme`. */
  token: string
  close(): Promise<void>
}

/** Limits as for `startLine`. With `oidc` it is an OpenID provider at its own URL, for its rotations too. */
export async function startLineApi(
  limits: Partial<RotationLimits> = {},
  { oidc }: { oidc?: Omit<OidcSettings, 'issuer'> } = {},
): Promise<LineApi> {
  const line = await startLine(limits)
  if (oidc) line.services.oidc = { ...oidc, issuer: 'http://127.0.0.1' }
  const { taskQueue } = line.temporal
  const app = createApp({
    ...line.services,
    rotations: {
      request: (asked) => request(line.on, asked),
      isKnown: (environmentId, requestKey) => isKnown(line.on, environmentId, requestKey),
      wait: (eventId, signal) => wait(line.on, eventId, signal),
    },
    rehearsals: { rehearse: (asked, signal) => rehearse(line.on, asked, signal) },
    schedules: {
      sync: (schedule, environmentName) =>
        syncSchedule(line.on.client, taskQueue, { ...schedule, environmentName }),
      delete: (id) => deleteSchedule(line.on.client, id),
    },
    demandKey: () => Promise.resolve(),
    checks: {},
    minScheduleInterval: 3_600_000,
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  if (line.services.oidc) line.services.oidc.issuer = url
  const made = await createToken(line.store.db, { login: 'ada', name: 'test' })
  return {
    line,
    url,
    port: Number(new URL(url).port),
    token: made.token.reveal(),
    close: async () => {
      await app.close()
      await line.close()
    },
  }
}
