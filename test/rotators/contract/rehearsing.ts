/** The contract of dry runs: whatever they find, and wherever they break off, the target is as it was before. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RotationFailure } from '../../../model/failures.ts'
import type { RotatorState } from '../../../rotators/rotator.ts'
import { NOTHING_YET, failureOf, limits } from './bench.ts'
import type { Bench } from './bench.ts'

export function rehearsingCases<I, C, P>({
  rotator,
  secretOf,
  fixture,
  rotate,
  proxyTo,
  after,
  blind,
}: Bench<I, C, P>): void {
  // As the frame calls it: with nothing that may be sent any more.
  const asking = (changes: object = {}) => limits({ sendBy: 0, ...changes })
  const rehearse = async (inputs: I, state: RotatorState<C>, context = asking()): Promise<unknown> =>
    rotator.rehearse
      ? await rotator.rehearse(inputs, state, context)
      : await rotator.prepare(inputs, state, context)

  test('rehearsing changes nothing, before the first rotation and after any, and what it foretells is so', async () => {
    const { inputs, snapshot, logsIn, secrets } = await fixture()
    let state: RotatorState<C> = NOTHING_YET
    for (let turn = 1; turn <= 3; turn++) {
      const before = await snapshot()
      const told = await Promise.all([rehearse(inputs, state), rehearse(inputs, state)])
      expect(await snapshot()).toEqual(before)
      for (const credential of [state.current, state.previous]) {
        if (credential === null) continue
        expect(await logsIn(credential)).toBe(true)
        secrets.push(secretOf(credential))
      }
      if (rotator.rehearse) for (const secret of secrets) expect(JSON.stringify(told)).not.toContain(secret)
      const after = await rotate(inputs, state)
      expect(await snapshot()).not.toEqual(before)
      state = after
    }
  })

  test('what a rotation would fail with, rehearsing fails with, and nothing was changed', async () => {
    const { inputs, wrongManager, powerless, snapshot, secrets } = await fixture()
    const state = await rotate(inputs, NOTHING_YET)
    const before = await snapshot()
    for (const [wrong, code] of [
      [wrongManager, 'LOGIN_FAILED'],
      [powerless, 'TARGET_DENIED'],
    ] as const) {
      if (blind && wrong === powerless) continue
      await failureOf(rotator.prepare(wrong, state, limits()), code, secrets)
      await failureOf(rehearse(wrong, state), code, secrets)
    }
    await failureOf(rehearse(inputs, state, asking({ signal: AbortSignal.abort() })), 'CANCELLED', secrets)
    expect(await snapshot()).toEqual(before)
  })

  test.for(['cutBefore', 'cutAfter'] as const)(
    'cut off at every request in turn: %s',
    { timeout: 60_000 },
    async (cut) => {
      const { inputs, via, address, snapshot, logsIn, secrets } = await fixture()
      const proxy = await proxyTo(address)
      const state = await rotate(inputs, NOTHING_YET)
      const before = await snapshot()
      let failed = 0
      for (let request = 1; ; request++) {
        expect(request).toBeLessThan(50)
        proxy[cut]((_, number) => number === request)
        const told = await rehearse(via(proxy), state).catch(async (error: Error) => {
          await failureOf(Promise.reject(error), ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'], secrets)
        })
        proxy.relay()
        expect(await snapshot(), `request ${request}`).toEqual(before)
        // Some of what it asks is nice to know and may go wrong; the last is the goodbye.
        if (!told) failed += 1
        else if (proxyIsPast(request, failed)) break
      }
      expect(failed).toBeGreaterThan(1)
      expect(await logsIn(state.current)).toBe(true)
      await rotate(inputs, state)
    },
  )

  test.for(['says nothing', 'says garbage', 'hangs up'])(
    'a target that %s is told of in time',
    async (way) => {
      const { via, snapshot, secrets } = await fixture()
      const before = await snapshot()
      const sockets: Socket[] = []
      const server = createServer((socket) => {
        sockets.push(socket)
        socket.on('error', () => {}).resume()
        if (way === 'says garbage') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<garbage>')
        if (way === 'hangs up') socket.destroy()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      after(async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, 'close')
      })
      const started = performance.now()
      const to = via({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
      const failure = rehearse(to, NOTHING_YET, asking({ timeout: 1_500 }))
      await failureOf(failure, ['TARGET_TIMEOUT', 'TARGET_UNREACHABLE'], secrets)
      expect(performance.now() - started).toBeLessThan(6_000)
      expect(await snapshot()).toEqual(before)
    },
  )

  test('a change of somebody else that keeps it waiting ends it in time, and nothing of it arrives later', async () => {
    const { inputs, block, snapshot } = await fixture()
    const state = await rotate(inputs, NOTHING_YET)
    const value = rotator.candidate(await rotator.prepare(inputs, state, limits()))
    if (!block || value === null || blind) return
    const before = await snapshot()
    const unblock = await block(value)
    const started = performance.now()
    const error: unknown = await Promise.resolve(rehearse(inputs, state)).catch((thrown: unknown) => thrown)
    // What does not try the change is not kept waiting.
    const code = rotator.rehearse ? 'TARGET_TIMEOUT' : undefined
    expect((error as Partial<RotationFailure>).code).toBe(code)
    expect(performance.now() - started).toBeLessThan(5_000)
    await unblock()
    await sleep(300)
    expect(await snapshot()).toEqual(before)
    await rotate(inputs, state)
  })
}

/** One after the other came through whole: whatever is cut from here on was never sent. */
function proxyIsPast(request: number, failed: number): boolean {
  return request > failed + 3
}
