/** Step prepare: what is published is tested, the slot is looked at, and what will be sent is written down, sealed. */
import { RotationFailure } from '../model/failures.ts'
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
    ...(attempt.warnings.length > 0 && {
      warnings: [...new Set([...attempt.row.warnings, ...attempt.warnings])],
    }),
  })
  await attempt.services.at('prepare: written down')
}

/**
 * All that is looked at before anything is sent: what is published logs in, the preflight passes.
 * @returns what would be sent now.
 * @throws RotationFailure TARGET_CHANGED when the target does not hold what is published; nothing was touched.
 */
export async function chooseChange(attempt: Attempt): Promise<unknown> {
  const { rotator, inputs, published } = attempt.call
  const choose = () => attempt.ask(() => rotator.prepare(inputs, published, attempt.context()))
  const early = rotator.sideBySide ? begun(choose()) : undefined
  await testPublished(attempt)
  await attempt.services.at('prepare: tested')
  return await (early ?? choose())
}

/** Goes on by itself; whoever waits for it hears how it ended, and until then its failure is nobody's. */
export function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  return work
}

/** @throws RotationFailure TARGET_CHANGED */
export async function testPublished(attempt: Attempt): Promise<void> {
  const { rotator, published } = attempt.call
  const previous = async () => (published.previous === null ? null : await attempt.test(published.previous))
  // What stands first is told first, also where both are asked at once.
  const early = rotator.sideBySide ? begun(previous()) : undefined
  await testCurrent(attempt)
  if ((await (early ?? previous())) !== 'refused') return
  // Gone, or only switched off: the rotator sees which.
  if (rotator.madeByTarget) return
  const { environmentId, path, id } = attempt.row
  const explained = await sentSincePublished(attempt.services.environments.db, {
    environmentId,
    path,
    except: id,
  })
  if (explained) return
  throw new RotationFailure(
    'TARGET_CHANGED',
    `the published previous credential (${rotator.identity(published.previous)}) does not log in any more; ` +
      'somebody changed it, so nothing was touched. Put the credential that works into the state as previous',
  )
}

/** @throws RotationFailure TARGET_CHANGED */
export async function testCurrent(attempt: Attempt): Promise<void> {
  const { rotator, published } = attempt.call
  if (published.current === null || (await attempt.test(published.current)) === 'works') return
  const why = await attempt.whyRefused(published.current)
  throw new RotationFailure(
    'TARGET_CHANGED',
    `the published current credential (${rotator.identity(published.current)}) does not log in any more; ` +
      (why === undefined
        ? 'somebody changed it, so nothing was touched. Put the credential that works into the state as current'
        : `nothing was touched: ${why}`),
  )
}
