/** The contract where the connection breaks: after it, the target is asked what happened, and repeating settles it. */
import { expect, test } from 'vitest'
import type { RotatorState } from '../../../rotators/rotator.ts'
import { NOTHING_YET, applied, failureOf, limits } from './bench.ts'
import type { Bench } from './bench.ts'

export function interruptedCases<I, C, P>({
  rotator,
  secretOf,
  fixture,
  proxyTo,
  rotate,
}: Bench<I, C, P>): void {
  test.for(['cutBefore', 'cutAfter'] as const)(
    'every request in turn: %s',
    { timeout: 60_000 },
    async (cut) => {
      const { inputs, via, address, logsIn, secrets } = await fixture()
      const proxy = await proxyTo(address)
      let state: RotatorState<C> & { current: C } = await rotate(inputs, NOTHING_YET)
      const landed: boolean[] = []
      for (let request = 1; ; request++) {
        expect(request).toBeLessThan(50)
        let prepared: P = await rotator.prepare(inputs, state, limits())
        const writeDown = (instead: P) => void (prepared = instead)
        proxy[cut]((_, number) => number === request)
        const made = await applied(rotator, via(proxy), prepared, writeDown).catch(async (error: Error) => {
          const known = [...secrets, secretOf(rotator.candidate(prepared) ?? state.current)]
          await failureOf(Promise.reject(error), ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'], known)
        })
        proxy.relay()
        // The last request is the goodbye, whose loss nobody notices.
        if (made) break
        expect(await logsIn(state.current), 'the published one').toBe(true)

        const answer = await rotator.recover?.(inputs, prepared, limits(), state)
        const value = rotator.candidate(prepared)
        if (value !== null) {
          landed.push(await logsIn(value))
          if (rotator.recover) expect(answer).toEqual(landed.at(-1) ? { made: value } : 'not made')
        } else {
          landed.push(answer !== 'not made')
          if (typeof answer !== 'object' || !('instead' in answer)) expect(answer).toBe('not made')
          else prepared = JSON.parse(JSON.stringify(answer.instead))
        }
        const current = await applied(rotator, inputs, prepared, writeDown)
        expect(await logsIn(current)).toBe(true)
        expect(await logsIn(state.current), 'the published one').toBe(true)
        state = { current, previous: state.current }
      }
      // The suite checks itself: only an answer that came after the change can be lost with the change made.
      expect(landed).toContain(false)
      if (cut === 'cutAfter') expect(landed).toContain(true)
      else expect(landed).not.toContain(true)
    },
  )
}
