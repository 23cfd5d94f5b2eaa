/** Asks whether Temporal can be used, and has the log say why not: once for each reason, in words for the operator. */
import type { Client } from '@temporalio/client'
import type { Logger } from 'pino'
import type { TemporalAccess } from './access.ts'
import { isAway, pingTemporal } from './connect.ts'
import { whyUnreachable } from './probe.ts'

export interface Reachability {
  /** Throws when Temporal does not answer, refuses us, or lacks the namespace. The log has the reason a moment later. */
  check(): Promise<void>
}

/** `deadline`: milliseconds of one check. */
export function watchTemporal(
  client: Client,
  access: TemporalAccess,
  log: Pick<Logger, 'info' | 'warn'>,
  deadline?: number,
): Reachability {
  let told = ''
  let asking = false
  return {
    check: async () => {
      try {
        await pingTemporal(client, deadline)
      } catch (error) {
        if (!asking) void tell(error)
        throw error
      }
      if (told !== '') log.info('Temporal can be used again')
      told = ''
    },
  }

  async function tell(error: unknown): Promise<void> {
    asking = true
    try {
      const reason = await reasonFor(error, access)
      if (reason !== undefined && reason !== told) log.warn(`Temporal cannot be used: ${reason}`)
      told = reason ?? told
    } finally {
      asking = false
    }
  }
}

const CANCELLED = 1
const NOT_FOUND = 5
const REFUSED: readonly unknown[] = [7, 16]

/** Why a call failed, in one half-sentence for the operator; undefined where it failed with us. */
export async function reasonFor(error: unknown, access: TemporalAccess): Promise<string | undefined> {
  const code = (error as { code?: unknown }).code
  if (code === CANCELLED) return undefined
  if (code === NOT_FOUND) return `it has no namespace ${access.namespace} (REKEY_TEMPORAL_NAMESPACE)`
  if (REFUSED.includes(code)) return refusalOf(access)
  if (isAway(error)) return await whyUnreachable(access)
  return typeof code === 'number' ? `it answers with gRPC code ${code}` : undefined
}

function refusalOf({ namespace, credentials }: TemporalAccess): string {
  if (credentials.apiKey !== undefined)
    return `it refuses the API key in REKEY_TEMPORAL_API_KEY_FILE for the namespace ${namespace}: put one into the file that may use it`
  if (credentials.tls?.client)
    return `the client certificate in REKEY_TEMPORAL_TLS_CERT_FILE gives no right to the namespace ${namespace}`
  return `it lets nobody use the namespace ${namespace} without credentials: set REKEY_TEMPORAL_API_KEY_FILE, or REKEY_TEMPORAL_TLS_CERT_FILE and REKEY_TEMPORAL_TLS_KEY_FILE`
}
