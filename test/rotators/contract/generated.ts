/**
 * The contract of rotators whose credential nothing outside knows: values, slots and limits as everywhere, and that nobody
 * is asked and nothing is sent. What needs a target to be shown has nothing to be shown at.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { Rotator, RotatorState } from '../../../rotators/rotator.ts'
import { NOTHING_YET, failureOf, limits } from './bench.ts'

export interface GeneratedSubject<Inputs> {
  rotator: Rotator<Inputs, string, string>
  /** Inputs, and what every value that they allow looks like. */
  allowed: { inputs: Inputs; looksLike: RegExp }[]
  /** Inputs that allow no value. */
  impossible: Inputs[]
}

/** Where Node says that something goes out, whoever sends it. */
const WAYS_OUT = ['net.client.socket', 'udp.socket', 'http.client.request.start', 'undici:request:create']

export function generatedCases<I>({ rotator, allowed, impossible }: GeneratedSubject<I>): void {
  const usual = allowed[0]!
  const rotate = async (inputs: I, state: RotatorState<string>) => {
    const prepared = await rotator.prepare(inputs, state, limits())
    const current = await rotator.apply(inputs, prepared, limits())
    expect(await rotator.test(inputs, current, limits())).toBe('works')
    return { current, previous: state.current }
  }

  test('first without state, second, tenth: ten values, the newest two in the state', async () => {
    const made: string[] = []
    let state: RotatorState<string> = NOTHING_YET
    for (let turn = 1; turn <= 10; turn += 1) {
      const after = await rotate(usual.inputs, state)
      expect(after.previous).toBe(made.at(-1) ?? null)
      made.push(after.current)
      state = after
    }
    expect(new Set(made).size).toBe(10)
    expect(rotator.open(usual.inputs, state)).toEqual({ current: made[9], previous: made[8] })
  })

  test('what opens after the first rotation has no previous; before it, opening fails', async () => {
    expect(() => rotator.open(usual.inputs, NOTHING_YET)).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID' }),
    )
    const first = await rotate(usual.inputs, NOTHING_YET)
    expect(rotator.open(usual.inputs, first)).toEqual({ current: first.current })
  })

  test.each(allowed)('values are as their inputs say: $inputs', async ({ inputs, looksLike }) => {
    for (let time = 0; time < 50; time += 1)
      expect(await rotator.prepare(inputs, NOTHING_YET, limits())).toMatch(looksLike)
  })

  test('prepared is the whole credential: applied any number of times, from its stored form too, it is the same', async () => {
    const prepared = await rotator.prepare(usual.inputs, NOTHING_YET, limits())
    expect(rotator.candidate(prepared)).toBe(prepared)
    const stored = JSON.parse(JSON.stringify(prepared)) as string
    for (const one of [prepared, stored, prepared])
      expect(await rotator.apply(usual.inputs, one, limits())).toBe(prepared)
    expect(await rotator.recover?.(usual.inputs, stored, limits())).toEqual({ made: prepared })
  })

  test('there is no target, whatever the inputs, and nothing but words names a value', async () => {
    for (const { inputs } of allowed) expect(rotator.targets(inputs)).toEqual([])
    expect(rotator).toMatchObject({ withoutTarget: true, permissions: [], repeatable: true })
    expect(rotator.madeByTarget).toBe(false)
    const made = await rotate(usual.inputs, NOTHING_YET)
    const again = await rotate(usual.inputs, made)
    expect(rotator.identity(again.current)).toBe(rotator.identity(made.current))
    expect(rotator.identity(made.current)).toMatch(/^the \w+$/)
  })

  test('nothing goes out', async () => {
    const sent: string[] = []
    const note = (_message: unknown, name: string | symbol) => void sent.push(String(name))
    for (const way of WAYS_OUT) subscribe(way, note)
    try {
      const state = await rotate(usual.inputs, await rotate(usual.inputs, NOTHING_YET))
      await rotator.rehearse!(usual.inputs, state, limits())
      // The suite checks itself: asking somebody would have been noted.
      expect(sent).toEqual([])
      connect(1, '127.0.0.1').on('error', () => {})
      expect(sent).not.toEqual([])
    } finally {
      for (const way of WAYS_OUT) unsubscribe(way, note)
    }
  })

  test('rehearsing says what would be made, and no value', async () => {
    const state = await rotate(usual.inputs, await rotate(usual.inputs, NOTHING_YET))
    const told = await rotator.rehearse!(usual.inputs, state, limits({ sendBy: 0 }))
    expect(told.writes).toMatch(/^a new \w+, one of 2\^\d+$/)
    expect(told.first).toEqual([])
    for (const value of [state.current!, state.previous!]) expect(JSON.stringify(told)).not.toContain(value)
  })

  test.each(impossible)('inputs that allow no value are refused at every step: %j', async (inputs) => {
    expect(() => rotator.targets(inputs)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    await failureOf(rotator.prepare(inputs, NOTHING_YET, limits()), 'INPUT_INVALID')
    await failureOf(rotator.rehearse!(inputs, NOTHING_YET, limits()), 'INPUT_INVALID')
  })

  test('an attempt that is called off makes nothing', async () => {
    const context = limits({ signal: AbortSignal.abort() })
    const prepared = await rotator.prepare(usual.inputs, NOTHING_YET, limits())
    await failureOf(rotator.prepare(usual.inputs, NOTHING_YET, context), 'CANCELLED')
    await failureOf(rotator.rehearse!(usual.inputs, NOTHING_YET, context), 'CANCELLED')
    await failureOf(rotator.apply(usual.inputs, prepared, context), 'CANCELLED', [prepared])
  })
}
