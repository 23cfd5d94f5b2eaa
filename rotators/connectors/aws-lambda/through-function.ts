/**
 * Finds out what a function is before anything is entrusted to it: it is asked about itself in an event that holds no secret,
 * and that a connector which is not ours refuses.
 */
import { RotationFailure } from '../../../model/failures.ts'
import { takePlace } from '../../database/places.ts'
import type { RotatorContext } from '../../rotator.ts'
import { switchedOff, noConnector } from './failures.ts'
import type { FunctionPlace } from '../aws-lambda.ts'
import type { Connector, Engine } from '../connector.ts'
import { PROTOCOL, readFailure, REKEY_EVENT, type AboutRequest } from '../protocol.ts'
import { existingConnector } from './existing.ts'
import { ConnectorFunction, type Invoked, type Waiting } from './function.ts'
import { ourConnector } from './ours.ts'

/** @throws RotationFailure */
export async function throughFunction<T>(
  place: FunctionPlace,
  engine: Engine,
  context: RotatorContext,
  work: (connector: Connector) => Promise<T>,
): Promise<T> {
  const urgent = context.sendBy > 0
  // A function has few places to run in, as a server has few connections.
  const leave = await takePlace({ host: place.arn, port: 0 }, { urgent, signal: context.signal })
  try {
    return await ConnectorFunction.as(place, async (called) =>
      work(await connectorOf(called, engine, context)),
    )
  } finally {
    leave()
  }
}

async function connectorOf(
  called: ConnectorFunction,
  engine: Engine,
  context: RotatorContext,
): Promise<Connector> {
  const { signal, timeout } = context
  const request: AboutRequest = { type: REKEY_EVENT, protocol: PROTOCOL, action: 'about' }
  const answer = await called.invoke(request, { signal, timeout }).catch(async (error: unknown) => {
    throw (await isOff(error, called, { signal, timeout })) ? switchedOff(called.place) : error
  })
  const { rekey, code, message } = answerOf(answer)
  if (rekey !== undefined) {
    const failure = readFailure((rekey as { failure?: unknown }).failure, [])
    if (failure) throw failure
    const { now, rotators } = ((rekey as { about?: unknown }).about ?? {}) as Record<string, unknown>
    if (typeof now !== 'number' || !Array.isArray(rotators)) throw noConnector(called.place)
    if (!rotators.includes(engine.type))
      throw new RotationFailure(
        'CONNECTOR_FAILED',
        `the function ${called.place.name} does not know ${engine.type}; deploy the function of this version of Rekey`,
      )
    return ourConnector(called, engine, now - Date.now())
  }
  // One that is content with an event that it cannot know would be content with anything.
  if (typeof code === 'number' && code !== 200 && typeof message === 'string')
    return existingConnector(called, engine)
  throw noConnector(called.place)
}

/** An error of the function's own at an event that it does not know is an answer too. */
function answerOf(answer: Invoked): { rekey?: unknown; code?: unknown; message?: unknown } {
  if ('payload' in answer) {
    const { payload } = answer
    return typeof payload === 'object' && payload !== null ? payload : {}
  }
  if (answer.crashed) throw answer.failed
  return { code: 400, message: '' }
}

async function isOff(error: unknown, called: ConnectorFunction, waiting: Waiting): Promise<boolean> {
  if (!(error instanceof RotationFailure) || error.code !== 'TARGET_THROTTLED') return false
  const found = await called.describe(waiting).catch(() => undefined)
  return found?.isOff ?? false
}
