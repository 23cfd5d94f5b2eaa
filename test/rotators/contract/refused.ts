/** The contract where it cannot work: the right code, words without secrets, in time, and nothing changed. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FailureCode } from '../../../model/failures.ts'
import { NOTHING_YET, failureOf, limits } from './bench.ts'
import type { Address, Bench } from './bench.ts'

const CANNOT_TELL: FailureCode[] = ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT']

export function refusedCases<I, C, P>({
  rotator,
  secretOf,
  fixture,
  rotate,
  after,
  blind,
}: Bench<I, C, P>): void {
  async function listener(answer: (socket: Socket) => void): Promise<Address> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
      // What is not read would hide that the other side has left.
      socket.resume()
      answer(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    after(async () => {
      server.close()
      // Whoever connected must have let go by himself.
      await sleep(50)
      expect(sockets.size).toBe(0)
    })
    return { host: '127.0.0.1', port }
  }

  test('a managing login that the target does not know', async () => {
    const { inputs, wrongManager, secrets, logsIn } = await fixture()
    await failureOf(rotator.prepare(wrongManager, NOTHING_YET, limits()), 'LOGIN_FAILED', secrets)
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const value = rotator.candidate(prepared)
    const known = [...secrets, ...(value === null ? [] : [secretOf(value)])]
    await failureOf(rotator.apply(wrongManager, prepared, limits()), 'LOGIN_FAILED', known)
    if (value !== null) expect(await logsIn(value)).toBe(false)
    else expect(await rotator.recover?.(inputs, prepared, limits())).toBe('not made')
  })

  test('a managing login that may change nothing', async () => {
    const { inputs, powerless, secrets, logsIn } = await fixture()
    if (!blind) await failureOf(rotator.prepare(powerless, NOTHING_YET, limits()), 'TARGET_DENIED', secrets)
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const value = rotator.candidate(prepared)
    const known = [...secrets, ...(value === null ? [] : [secretOf(value)])]
    await failureOf(rotator.apply(powerless, prepared, limits()), 'TARGET_DENIED', known)
    if (value !== null) expect(await logsIn(value)).toBe(false)
    else expect(await rotator.recover?.(inputs, prepared, limits())).toBe('not made')
  })

  if (!rotator.madeByTarget) {
    test('a value that the target refuses by its policy: the old one stays, another one works', async () => {
      const { inputs, logsIn, refusedValue, secrets } = await fixture()
      const state = await rotate(inputs, NOTHING_YET)
      const prepared = await rotator.prepare(inputs, state, limits())
      const refused = await refusedValue!(prepared)
      // Somebody between may tell less than the target does.
      const codes: FailureCode[] = ['TARGET_REJECTED_VALUE', ...(blind ? ['TARGET_NOT_FOUND' as const] : [])]
      await failureOf(rotator.apply(inputs, refused, limits()), codes, secrets)
      expect(await rotator.test(inputs, rotator.candidate(refused)!, limits())).toBe('refused')
      expect(await logsIn(state.current)).toBe(true)
      const anew = await rotator.prepare(inputs, state, limits())
      expect(await logsIn(await rotator.apply(inputs, anew, limits()))).toBe(true)
    })
  }

  test('the published one changed by hand is refused, the other one is not', async () => {
    const { inputs, changeByHand } = await fixture()
    const first = await rotate(inputs, NOTHING_YET)
    const second = await rotate(inputs, first)
    await changeByHand(second.current)
    expect(await rotator.test(inputs, second.current, limits())).toBe('refused')
    if (rotator.slots === 2) expect(await rotator.test(inputs, first.current, limits())).toBe('works')
  })

  async function unreachable(address: Address, code: FailureCode | FailureCode[]): Promise<void> {
    const { inputs, via, secrets } = await fixture()
    const made = rotator.madeByTarget ? (await rotate(inputs, NOTHING_YET)).current : null
    const prepared = await rotator.prepare(inputs, NOTHING_YET, limits())
    const value = made ?? rotator.candidate(prepared)!
    const known = [...secrets, secretOf(value)]
    const started = Date.now()
    await failureOf(rotator.prepare(via(address), NOTHING_YET, limits({ timeout: 700 })), code, known)
    await failureOf(rotator.apply(via(address), prepared, limits({ timeout: 700 })), code, known)
    await failureOf(rotator.test(via(address), value, limits({ timeout: 700 })), code, known)
    const recovered = rotator.recover?.(via(address), prepared, limits({ timeout: 700 }))
    if (recovered) await failureOf(recovered, code, known)
    expect(Date.now() - started).toBeLessThan(4 * 700 + 1_000)
  }

  test('nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((closed) => server.close(closed))
    await unreachable({ host: '127.0.0.1', port }, 'TARGET_UNREACHABLE')
  })

  test('something accepts and never answers', async () => {
    await unreachable(await listener(() => {}), 'TARGET_TIMEOUT')
  })

  test('something accepts and hangs up', async () => {
    await unreachable(await listener((socket) => socket.destroy()), 'TARGET_UNREACHABLE')
  })

  test.for([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\nConnection: keep-alive\r\n\r\n'],
    ['zeros', '\0'.repeat(64)],
    ['an unknown demand', 'R\0\0\0\x08\0\0\0\x07'],
    ['a cut message', 'R\0\0\0\x04'],
    ['text', 'E'.repeat(2000)],
  ] as const)('garbage: %s', async ([, garbage]) => {
    await unreachable(await listener((socket) => socket.write(Buffer.from(garbage, 'latin1'))), CANNOT_TELL)
  })
}
