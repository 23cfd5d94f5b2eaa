/** A short fire, the same as `make chaos` makes for minutes: whatever happened, all ten invariants hold after it. */
import { expect, test } from 'vitest'
import { burn } from './burn.ts'
import type { Violation } from './evidence.ts'

/** Another one each day, the same one all day: what a run finds can be found again. */
const SEED = Math.floor(Date.now() / 86_400_000)

test('a fire leaves no violation', { timeout: 600_000 }, async () => {
  const stop = new AbortController()
  const options = { seed: SEED, seconds: 15, environments: 6, workers: 2, signal: stop.signal }
  const tell = (line: string) => console.log(`seed ${SEED}: ${line}`)
  await burn({ ...options, tell }, async ({ faults, evidence, violations, historyOf }) => {
    const told: (Violation & { history: string })[] = []
    for (const violation of violations.slice(0, 5))
      told.push({ ...violation, history: await historyOf(violation) })
    expect(told).toEqual([])
    // It burned, and something was rotated meanwhile.
    expect(faults.total).toBeGreaterThan(10)
    expect(evidence.rows.some(({ step }) => step === 'published')).toBe(true)
  })
})
