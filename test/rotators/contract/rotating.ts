/** The contract where all goes well: turns, slots, repetition. */
import { expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import type { RotatorState } from '../../../rotators/rotator.ts'
import { NOTHING_YET, limits } from './bench.ts'
import type { Bench } from './bench.ts'

export function rotatingCases<I, C, P>({ rotator, secretOf, fixture, rotate }: Bench<I, C, P>): void {
  test('first without state, second, tenth: the last two log in, the one before does not', async () => {
    const { inputs, logsIn } = await fixture()
    const made: C[] = []
    let state: RotatorState<C> = NOTHING_YET
    for (let turn = 1; turn <= 10; turn++) {
      const before = state.current
      const after = await rotate(inputs, state)
      state = after
      made.push(after.current)
      const working = await Promise.all(made.map(logsIn))
      expect(working).toEqual(made.map((_, index) => index >= made.length - rotator.slots))
      if (before !== null && rotator.slots === 2) {
        expect(rotator.identity(after.current)).not.toBe(rotator.identity(before))
      }
    }
    expect(new Set(made.map(secretOf)).size).toBe(10)
    const previous = rotator.slots === 2 ? { previous: made[8] } : {}
    expect(rotator.open(inputs, state)).toEqual({ current: made[9], ...previous })
  })

  test('what opens after the first rotation has no previous; before it, opening fails', async () => {
    const { inputs } = await fixture()
    expect(() => rotator.open(inputs, NOTHING_YET)).toThrow(RotationFailure)
    const first = await rotate(inputs, NOTHING_YET)
    expect(rotator.open(inputs, first)).toEqual({ current: first.current })
  })

  test('preparing changes nothing and makes a new value each time', async () => {
    const { inputs, logsIn } = await fixture()
    const state = await rotate(inputs, NOTHING_YET)
    const one = rotator.candidate(await rotator.prepare(inputs, state, limits()))
    const two = rotator.candidate(await rotator.prepare(inputs, state, limits()))
    expect(await logsIn(state.current)).toBe(true)
    if (one === null || two === null) return
    expect(secretOf(one)).not.toBe(secretOf(two))
    expect(rotator.identity(one)).toBe(rotator.identity(two))
    expect(await rotator.test(inputs, one, limits())).toBe('refused')
  })

  test('applied twice with one prepared, from its stored form, it is the same credential', async () => {
    const { inputs, logsIn } = await fixture()
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const first = await rotator.apply(inputs, JSON.parse(JSON.stringify(prepared)), limits())
    expect(await logsIn(first)).toBe(true)
    if (!rotator.repeatable) return
    expect(await rotator.apply(inputs, prepared, limits())).toEqual(first)
    expect(await logsIn(first)).toBe(true)
  })

  test('targets are the same for the same place, sorted, and hold no secret', async () => {
    const { inputs, secrets } = await fixture()
    const targets = rotator.targets(inputs)
    expect(targets.length).toBeGreaterThan(0)
    expect(targets).toEqual([...targets].sort())
    expect(rotator.targets(structuredClone(inputs))).toEqual(targets)
    for (const secret of secrets) expect(targets.join()).not.toContain(secret)
  })
}
