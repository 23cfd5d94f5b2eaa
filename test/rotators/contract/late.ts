/** The contract of deadlines: what was sent lands in time or never, whatever becomes of the process that sent it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { RotatorContext } from '../../../rotators/rotator.ts'
import { NOTHING_YET, failureOf, limits } from './bench.ts'
import type { Bench } from './bench.ts'

const CHANGE_TIMEOUT = 700
/** Until the last moment at which a change may be sent; a process of its own has to come to it before, or is given longer. */
const PATIENCE = 1_500
/** By then a change has landed or never will. */
const SETTLED = 2 * CHANGE_TIMEOUT + 200

/** A process of its own that applies, with a context that is made when it is ready, and prints `applied` or the code of the failure. */
export async function applyElsewhere(
  rotator: string,
  inputs: unknown,
  prepared: unknown,
  context: () => Omit<RotatorContext, 'signal'>,
) {
  const script = fileURLToPath(new URL('apply-elsewhere.ts', import.meta.url))
  const child = spawn(process.execPath, [script, rotator], { stdio: ['pipe', 'pipe', 'inherit'] })
  // It takes a while to start, which is none of the time that it has.
  await once(child.stdout, 'data')
  child.stdin.end(JSON.stringify({ inputs, prepared, context: context() }))
  return { child, outcome: text(child.stdout) }
}

export function lateCases<I, C, P>({
  rotator,
  secretOf,
  fixture,
  proxyTo,
  rotate,
  after,
  expires = 0,
  carriesOn = 0,
}: Bench<I, C, P>): void {
  /** Holds every request of a change in turn; each on a target of its own, a few at a time. */
  async function holdEach(attempt: (request: number) => Promise<'held' | 'ended'>): Promise<void> {
    let next = 1
    let ended = false
    const runs: number[] = []
    const lane = async () => {
      while (!ended) {
        const request = next++
        runs.push(request)
        if ((await attempt(request)) === 'ended') ended = true
        expect(request).toBeLessThan(50)
      }
    }
    await Promise.all([lane(), lane(), lane(), lane(), lane()])
    expect(runs.length).toBeGreaterThan(3)
  }

  test('an attempt that is called off before it sent anything changes nothing', async () => {
    const { inputs, logsIn } = await fixture()
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const context = limits({ signal: AbortSignal.abort() })
    await failureOf(rotator.apply(inputs, prepared, context), 'CANCELLED')
    await failureOf(rotator.apply(inputs, prepared, limits({ sendBy: Date.now() - 1 })), 'TARGET_TIMEOUT')
    await sleep(200)
    const value = rotator.candidate(prepared)
    if (value !== null) expect(await logsIn(value)).toBe(false)
    else expect(await rotator.recover?.(inputs, prepared, limits())).toBe('not made')
  })

  // What a target makes up is in its answer alone: there is no value yet that could land.
  if (rotator.madeByTarget) return

  test('a request that arrives after the attempt gave up does not land', { timeout: 90_000 }, async () => {
    await holdEach(async (request) => {
      const { inputs, via, address, logsIn, secrets } = await fixture()
      const proxy = await proxyTo(address)
      const state = await rotate(inputs, NOTHING_YET)
      const prepared = await rotator.prepare(inputs, state, limits())
      const held = proxy.hold((_, number) => number === request)
      const context = limits({ changeTimeout: CHANGE_TIMEOUT, timeout: CHANGE_TIMEOUT })
      const attempt = rotator.apply(via(proxy), prepared, context)
      const outcome = attempt.then(
        () => 'succeeded',
        () => 'failed',
      )
      // Nothing was left to hold, or only the goodbye after the answer.
      if ((await Promise.race([held.arrived.then(() => 'held'), outcome])) === 'succeeded') return 'ended'
      await sleep(SETTLED)
      if ((await outcome) === 'succeeded') return 'ended'
      await failureOf(attempt, ['TARGET_TIMEOUT', 'TARGET_UNREACHABLE'], secrets)
      await sleep(expires)
      held.release()
      await sleep(300)
      expect(await logsIn(rotator.candidate(prepared)!), `request ${request}`).toBe(false)
      expect(await logsIn(state.current)).toBe(true)
      return 'held'
    })
  })

  test('a process that is stopped and wakes up late changes nothing', { timeout: 180_000 }, async () => {
    let patience = PATIENCE
    async function stopAt(request: number, given: number): Promise<'held' | 'ended' | 'too slow'> {
      const { inputs, via, address, logsIn } = await fixture()
      const proxy = await proxyTo(address)
      const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
      const held = proxy.hold((_, number) => number === request)
      // Its own patience is long: it must notice by the clock and by what the target says.
      const { child, outcome } = await applyElsewhere(rotator.name, via(proxy), prepared, () => ({
        changeTimeout: CHANGE_TIMEOUT,
        timeout: 20_000,
        sendBy: Date.now() + given,
      }))
      after(async () => void child.kill('SIGKILL'))
      const first = await Promise.race([held.arrived.then(() => 'held'), outcome])
      if (first === 'applied') return 'ended'
      if (first !== 'held') return 'too slow'
      child.kill('SIGSTOP')
      await sleep(given + SETTLED + expires)
      const value = rotator.candidate(prepared)!
      // Only the goodbye was held, after a change that came in time.
      if (await logsIn(value)) return 'ended'
      held.release()
      await sleep(100)
      child.kill('SIGCONT')
      expect(await outcome, `request ${request}`).toMatch(/^(TARGET_TIMEOUT|TARGET_UNREACHABLE)$/)
      expect(await logsIn(value), `request ${request}`).toBe(false)
      return 'held'
    }
    await holdEach(async (request) => {
      for (;;) {
        const given = patience
        const came = await stopAt(request, given)
        if (came !== 'too slow') return came
        // There was nothing to hold in that time on this machine.
        expect(given).toBeLessThan(20_000)
        patience = Math.max(patience, 2 * given)
      }
    })
  })

  test('a change that waits at the target gives up there too, and again works', async () => {
    const { inputs, logsIn, block, secrets } = await fixture()
    const state = await rotate(inputs, NOTHING_YET)
    const prepared = await rotator.prepare(inputs, state, limits())
    const value = rotator.candidate(prepared)!
    const unblock = await block!(value)
    const started = Date.now()
    const attempt = rotator.apply(inputs, prepared, limits({ changeTimeout: CHANGE_TIMEOUT }))
    await failureOf(attempt, 'TARGET_TIMEOUT', [...secrets, secretOf(value)])
    expect(Date.now() - started).toBeLessThan(2 * CHANGE_TIMEOUT + 500)
    await unblock()
    await sleep(300)
    expect(await logsIn(value)).toBe(false)
    expect(await logsIn(await rotator.apply(inputs, prepared, limits()))).toBe(true)
  })

  test('a process that is killed while its change waits at the target leaves nothing behind', async () => {
    const { inputs, logsIn, block } = await fixture()
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const value = rotator.candidate(prepared)!
    const unblock = await block!(value)
    const { child } = await applyElsewhere(rotator.name, inputs, prepared, () => {
      const { signal: _, ...context } = limits({ changeTimeout: 4_000 })
      return context
    })
    await sleep(1_000)
    const killed = once(child, 'exit')
    child.kill('SIGKILL')
    expect((await killed)[1]).toBe('SIGKILL')
    await sleep(carriesOn)
    await unblock()
    await sleep(300)
    expect(await logsIn(value)).toBe(false)
  })
}
