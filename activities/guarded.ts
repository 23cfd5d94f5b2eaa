/** The last gate before Temporal: no error text of a driver, a parser or the store gets into a history. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import type { ApplicationFailureOptions } from '@temporalio/common'
import { toRotationFailure } from '../model/failures.ts'
import { StaleAttempt } from '../store/journal.ts'
import type { ActivityServices } from './services.ts'

/**
 * Runs an activity's body. Failures made for Temporal pass; anything else becomes a retryable failure that carries a
 * code alone, and a line in the log with the place it came from and without its text, which may quote what it failed on.
 */
export async function guarded<T>(
  services: Pick<ActivityServices, 'log'>,
  name: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error
    // Somebody newer is at work, or was stopped at work: ask again later, when the row tells.
    if (error instanceof StaleAttempt) {
      throw codeFailure('STALE', { nextRetryDelay: '5s', category: 'BENIGN' })
    }
    const { code } = toRotationFailure(error)
    services.log.error({ activity: name, code, ...originOf(error) }, 'an activity failed and is tried again')
    throw codeFailure(code)
  }
}

/** A failure for Temporal's history: a code, no words and no stack. Retryable unless it says otherwise. */
export function codeFailure(
  code: string,
  options: Pick<ApplicationFailureOptions, 'nonRetryable' | 'nextRetryDelay' | 'category'> = {},
): ApplicationFailure {
  const failure = ApplicationFailure.create({ type: code, message: code, ...options })
  failure.stack = ''
  return failure
}

/** Where an unexpected error came from: its class, its driver's code, its stack without the message. */
export function originOf(error: unknown): { error: string; driverCode?: string; stack?: string[] } {
  if (!(error instanceof Error)) return { error: typeof error }
  const code: unknown = 'code' in error ? error.code : undefined
  const frames = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '))
  return {
    error: error.name,
    ...(typeof code === 'string' && { driverCode: code }),
    stack: frames.slice(0, 8).map((line) => line.trim()),
  }
}
