/**
 * Rekey's own connector function: does what the rotator does, there. The password is made here and the moment after which
 * nothing may change goes along, by the function's own clock. Nothing that it answers is believed unread.
 */
import { RotationFailure } from '../../../model/failures.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../../database/schema.ts'
import type { Rehearsal, RotatorContext, RotatorState } from '../../rotator.ts'
import type { Connector, Engine } from '../connector.ts'
import { isPlain, PROTOCOL, readFailure, REKEY_EVENT, shortened, type RotatorRequest } from '../protocol.ts'
import { noConnector } from './failures.ts'
import type { ConnectorFunction, Waiting } from './function.ts'

/** Milliseconds for a function that has to be started, beside what it may take itself. */
const GRACE_MS = 2_000

/** A shorter one would tear words apart that have nothing to do with it. */
const SHORTEST_SECRET = 3

/** @param ahead milliseconds by which its clock is, at the most, behind this one, negated: read from its answer */
export function ourConnector(called: ConnectorFunction, engine: Engine, ahead: number): Connector {
  async function call(
    request: Pick<RotatorRequest, 'action' | 'inputs' | 'state' | 'credential'>,
    context: RotatorContext,
    waiting: Waiting,
  ): Promise<unknown> {
    const { changeTimeout, timeout, sendBy } = context
    const inputs = request.inputs as DatabaseUserInputs
    const event: RotatorRequest = {
      type: REKEY_EVENT,
      protocol: PROTOCOL,
      rotator: engine.type,
      ...request,
      limits: { changeTimeout, timeout, sendBy },
    }
    const answer = await called.invoke(event, waiting)
    if ('failed' in answer) throw answer.failed
    const { rekey } = (answer.payload ?? {}) as { rekey?: { result?: unknown; failure?: unknown } }
    const { credential } = request as { credential?: DatabaseCredential }
    const told = [inputs.database.managingUser?.password ?? '', credential?.password ?? '']
    const failure = readFailure(rekey?.failure, [...told, called.place.login.secretAccessKey])
    if (failure) throw failure
    if (rekey?.result === undefined) throw noConnector(called.place)
    return rekey.result
  }
  /** In answers to `prepare`, `rehearse` and `whyRefused`, which are told one password. */
  const clean = (words: string, { database }: DatabaseUserInputs) => {
    const secret = database.managingUser?.password ?? ''
    return shortened(secret.length < SHORTEST_SECRET ? words : words.replaceAll(secret, '[secret]'))
  }
  const texts = (list: unknown, inputs: DatabaseUserInputs) =>
    Array.isArray(list) ? list.filter(isPlain).map((words) => clean(words, inputs)) : []
  const looking = ({ signal, timeout }: RotatorContext): Waiting => ({ signal, timeout: timeout + GRACE_MS })

  return {
    async prepare(inputs, state, context) {
      const username = engine.turn(inputs, state)
      const answer = await call({ action: 'prepare', inputs, state: named(state) }, context, looking(context))
      const told = (answer ?? {}) as { username?: unknown; warnings?: unknown }
      if (told.username !== username) throw noConnector(called.place)
      for (const words of texts(told.warnings, inputs)) context.warn?.(words)
      return { username, password: engine.generatePassword() }
    },

    async rehearse(inputs, state, context) {
      const answer = await call(
        { action: 'rehearse', inputs, state: named(state) },
        context,
        looking(context),
      )
      const { writes, first, warnings } = (answer ?? {}) as Partial<Record<keyof Rehearsal, unknown>>
      if (!isPlain(writes)) throw noConnector(called.place)
      return {
        writes: clean(writes, inputs),
        first: texts(first, inputs),
        warnings: texts(warnings, inputs),
      }
    },

    async apply(inputs, { username, password }, context) {
      const { changeTimeout, signal } = context
      const now = Date.now()
      // No longer than the change may take to get there: whoever waits for its answer knows when to give up.
      const within = Math.min(context.sendBy - now, changeTimeout)
      if (within < 0) {
        throw new RotationFailure(
          'TARGET_TIMEOUT',
          'the change was not sent: too much time had passed before it',
          {
            unchanged: true,
          },
        )
      }
      if (signal.aborted) throw new RotationFailure('CANCELLED', 'stopped before anything was changed')
      await context.at?.('aws-lambda: about to change')
      const credential = { username, password }
      const limits = { ...context, sendBy: now + within + ahead }
      const waiting = { timeout: within + 2 * changeTimeout + GRACE_MS }
      await call({ action: 'apply', inputs, credential }, limits, waiting)
      await context.at?.('aws-lambda: changed')
    },

    async test(inputs, credential, context) {
      const answer = await call({ action: 'test', inputs, credential }, context, looking(context))
      if (answer !== 'works' && answer !== 'refused') throw noConnector(called.place)
      return answer
    },

    async whyRefused(inputs, credential, context) {
      const answer = await call(
        { action: 'whyRefused', inputs, credential: withoutPassword(credential) },
        context,
        looking(context),
      )
      const { words } = (answer ?? {}) as { words?: unknown }
      return isPlain(words) ? clean(words, inputs) : undefined
    },
  }
}

/** Whose turn it is takes names alone. */
function named({ current, previous }: RotatorState<DatabaseCredential>): RotatorState<DatabaseCredential> {
  return { current: current && withoutPassword(current), previous: previous && withoutPassword(previous) }
}

function withoutPassword({ username }: DatabaseCredential): DatabaseCredential {
  return { username, password: '' }
}
