/** How much of the function's own time each wait may take, so that an answer is on its way before the function is ended. */
import type { RotatorContext } from '../rotators/rotator.ts'

/** For the answer to be written and sent. */
const SPARE_MS = 400

/**
 * @param remaining milliseconds that the function has
 * @param wanted milliseconds for a change and for anything else; `sendBy` by the clock of this machine
 */
export function limitsWithin(
  remaining: number,
  wanted: Pick<RotatorContext, 'changeTimeout' | 'timeout' | 'sendBy'>,
): RotatorContext {
  const usable = Math.max(1, remaining - SPARE_MS)
  return {
    // Whoever waits for a place, a connection or an answer is heard before all of the time is gone.
    signal: AbortSignal.timeout(usable),
    // Logging in comes first; then a session that changes something lasts for twice its limit.
    timeout: Math.max(1, Math.min(wanted.timeout, Math.floor(usable / 2))),
    changeTimeout: Math.max(1, Math.min(wanted.changeTimeout, Math.floor(usable / 4))),
    sendBy: Math.min(wanted.sendBy, Date.now() + usable),
  }
}
