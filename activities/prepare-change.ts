/** Step prepare: what is published is tested, the slot is looked at, and what will be sent is written down, sealed. */
import { RotationFailure } from '../model/failures.ts'
import type { RotatorState } from '../rotators/rotator.ts'
import { sentSincePublished } from '../store/unsettled.ts'
import type { Attempt } from './attempt.ts'

/** @throws RotationFailure as `chooseChange` */
export async function prepareChange(attempt: Attempt): Promise<void> {
  const prepared = await chooseChange(attempt)
  await attempt.services.at('prepare: chosen')
  const candidate = attempt.call.rotator.candidate(prepared)
  await attempt.advance({
    step: 'prepared',
    prepared: attempt.seal(prepared),
    credential: candidate === null ? null : attempt.seal(candidate),
  })
}

/**
 * All that is looked at before anything is sent: what is published logs in, the preflight passes.
 * @returns what would be sent now.
 * @throws RotationFailure TARGET_CHANGED when the target does not hold what is published; nothing was touched.
 */
export async function chooseChange(attempt: Attempt): Promise<unknown> {
  const { rotator, inputs } = attempt.call
  const state = await testPublished(attempt)
  await attempt.services.at('prepare: tested')
  return await attempt.ask(() => rotator.prepare(inputs, state, attempt.context()))
}

/** @throws RotationFailure TARGET_CHANGED */
export async function testPublished(attempt: Attempt): Promise<RotatorState<unknown>> {
  const { rotator, published } = attempt.call
  if (published.current !== null && (await attempt.test(published.current)) === 'refused') {
    throw new RotationFailure(
      'TARGET_CHANGED',
      `the published current credential (${rotator.identity(published.current)}) does not log in any more; ` +
        'somebody changed it, so nothing was touched. Put the credential that works into the state as current',
    )
  }
  if (published.previous === null) return published
  if ((await attempt.test(published.previous)) === 'works') return published
  // Gone, or only switched off: the rotator sees which.
  if (rotator.madeByTarget) return published
  const { environmentId, path, id } = attempt.row
  const explained = await sentSincePublished(attempt.services.environments.db, {
    environmentId,
    path,
    except: id,
  })
  if (explained) return published
  throw new RotationFailure(
    'TARGET_CHANGED',
    `the published previous credential (${rotator.identity(published.previous)}) does not log in any more; ` +
      'somebody changed it, so nothing was touched. Put the credential that works into the state as previous',
  )
}
