/**
 * The connector function that runs in the network of the databases: takes events and answers them. Every wait ends before
 * the function's own time is up, nothing goes on after an answer, and neither log nor answer holds a secret.
 */
import { RotationFailure, toRotationFailure } from '../model/failures.ts'
import {
  PROTOCOL,
  REKEY_EVENT,
  stateFailure,
  type About,
  type ConnectorAnswer,
} from '../rotators/connectors/protocol.ts'
import { endSessions, ENGINES } from './engines.ts'
import { asFields, type Fields } from './fields.ts'
import { runEvent } from './run-event.ts'
import { runRequest } from './run-request.ts'

/** What it uses of the context that Lambda gives to every call. */
export interface FunctionContext {
  getRemainingTimeInMillis(): number
}

export async function handler(event: unknown, context: FunctionContext): Promise<ConnectorAnswer> {
  const startedAt = performance.now()
  const fields = asFields(event)
  const answer = await answerTo(fields, context).catch((error: unknown): ConnectorAnswer => {
    const failure = outOfTime(toRotationFailure(error))
    const words = `${failure.code}: ${failure.message}`
    return { code: 400, message: words, rekey: { failure: stateFailure(failure) } }
  })
  endSessions()
  const failure = answer.rekey && 'failure' in answer.rekey ? answer.rekey.failure.code : undefined
  const known = (value: unknown, names: readonly string[]) =>
    names.find((name) => name === value) ?? 'unknown'
  const line = {
    event: known(fields.type, [REKEY_EVENT, ...ENGINES.keys()]),
    action: known(fields.action ?? 'change', [
      'about',
      'prepare',
      'rehearse',
      'apply',
      'test',
      'whyRefused',
      'change',
    ]),
    outcome: failure ?? 'succeeded',
    ms: Math.round(performance.now() - startedAt),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  return answer
}

/** Nobody stops a function but its own time, and by then something may have been changed. */
function outOfTime(failure: RotationFailure): RotationFailure {
  if (failure.code !== 'CANCELLED') return failure
  const words =
    'the time of the connector function was up; the database was slow, or its timeout is too short'
  return new RotationFailure('TARGET_TIMEOUT', words)
}

async function answerTo(fields: Fields, context: FunctionContext): Promise<ConnectorAnswer> {
  const { type } = fields
  const remaining = context.getRemainingTimeInMillis()
  if (type === REKEY_EVENT) {
    if (fields.protocol !== PROTOCOL)
      throw new RotationFailure(
        'CONNECTOR_FAILED',
        `the connector function speaks version ${PROTOCOL} of Rekey's protocol; deploy the function of this version of Rekey`,
        { unchanged: true },
      )
    const about: About = { protocol: PROTOCOL, rotators: [...ENGINES.keys()], now: Date.now() }
    if (fields.action === 'about') return { code: 200, message: 'ok', rekey: { about } }
    return { code: 200, message: 'ok', rekey: { result: await runRequest(fields, remaining) } }
  }
  await runEvent(fields, remaining)
  return { code: 200, message: 'ok' }
}
