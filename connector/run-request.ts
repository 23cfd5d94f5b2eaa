/** Carries out what a worker asks of a rotator, here instead of there. Adds nothing to it and takes nothing away. */
import { RotationFailure } from '../model/failures.ts'
import type { RequestLimits } from '../rotators/connectors/protocol.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../rotators/database/schema.ts'
import type { RotatorState } from '../rotators/rotator.ts'
import { ENGINES } from './engines.ts'
import type { Fields } from './fields.ts'
import { limitsWithin } from './limits.ts'

/** @throws RotationFailure */
export async function runRequest(fields: Fields, remaining: number): Promise<unknown> {
  const engine = ENGINES.get(String(fields.rotator))
  if (!engine)
    throw new RotationFailure(
      'CONNECTOR_FAILED',
      'the connector function does not know this rotator; deploy the function of this version of Rekey',
      { unchanged: true },
    )
  const inputs = fields.inputs as DatabaseUserInputs
  const warnings: string[] = []
  const warn = (words: string) => void warnings.push(words)
  const context = { ...limitsWithin(remaining, limitsOf(fields.limits)), warn }
  const state = (fields.state ?? { current: null, previous: null }) as RotatorState<DatabaseCredential>
  const credential = fields.credential as DatabaseCredential
  switch (fields.action) {
    case 'prepare': {
      // The password is made by whoever keeps it.
      const { username } = await engine.prepare(inputs, state, context)
      return { username, warnings }
    }
    case 'rehearse':
      return await engine.rehearse?.(inputs, state, context)
    case 'apply':
      await engine.apply(inputs, credential, context)
      return {}
    case 'test':
      return await engine.test(inputs, credential, context)
    case 'whyRefused':
      return { words: await engine.whyRefused?.(inputs, credential, context) }
    default:
      throw new RotationFailure('CONNECTOR_FAILED', 'the connector function does not know this action', {
        unchanged: true,
      })
  }
}

function limitsOf(given: unknown): RequestLimits {
  const limits = (given ?? {}) as Partial<Record<keyof RequestLimits, unknown>>
  const number = (value: unknown): number => {
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    throw new RotationFailure('CONNECTOR_FAILED', 'the request to the connector function lacks its limits', {
      unchanged: true,
    })
  }
  const { changeTimeout, timeout, sendBy } = limits
  return { changeTimeout: number(changeTimeout), timeout: number(timeout), sendBy: number(sendBy) }
}
