/** Logins that are shared: one for all who ask at once, a new one in time before the old one ends, none that failed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LoginCache, type OpenedLogin } from '../../environments/login-cache.ts'

const MINUTE = 60_000
let cache: LoginCache
let opened = 0

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] })
  cache = new LoginCache()
  opened = 0
})
afterEach(() => void vi.useRealTimers())

const living = (lifetime?: number) => async (): Promise<OpenedLogin> => ({
  value: { value: `login ${(opened += 1)}` },
  ...(lifetime !== undefined && { expiresAt: Date.now() + lifetime }),
})
const take = async (open: () => Promise<OpenedLogin>, key = 'k') =>
  (await cache.take(key, open).opening).value.value

test('all who ask at once get the same; another key is another login', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => take(living())))
  expect(new Set(all)).toEqual(new Set(['login 1']))
  expect(await take(living(), 'another')).toBe('login 2')
})

test('one that does not expire is kept', async () => {
  await take(living())
  vi.setSystemTime(Date.now() + 365 * 24 * 60 * MINUTE)
  expect(await take(living())).toBe('login 1')
})

test('one that expires is made anew a minute before, once for all who ask', async () => {
  const open = living(10 * MINUTE)
  expect(await take(open)).toBe('login 1')
  vi.setSystemTime(Date.now() + 9 * MINUTE - 1)
  expect(await take(open)).toBe('login 1')
  vi.setSystemTime(Date.now() + 1)
  expect(await Promise.all([take(open), take(open), take(open)])).toEqual(Array(3).fill('login 2'))
})

test('one that lives shorter than that is used for three quarters of its life', async () => {
  const open = living(1_000)
  expect([await take(open), await take(open)]).toEqual(['login 1', 'login 1'])
  vi.setSystemTime(Date.now() + 751)
  expect(await take(open)).toBe('login 2')
})

test('one that had expired when it came is used by those who waited for it, and by nobody else', async () => {
  const open = living(-5_000)
  expect(await Promise.all([take(open), take(open)])).toEqual(['login 1', 'login 1'])
  expect(await take(open)).toBe('login 2')
})

test('one that failed is not kept', async () => {
  const fails = () => Promise.reject(new Error('away'))
  await expect(take(fails)).rejects.toThrow('away')
  expect(await take(living())).toBe('login 1')
})

test('dropped twice by those who used it, only the one they used is gone', async () => {
  const old = cache.take('k', living(10 * MINUTE))
  await old.opening
  cache.drop(old)
  expect(await take(living(10 * MINUTE))).toBe('login 2')
  cache.drop(old)
  expect(await take(living(10 * MINUTE))).toBe('login 2')
})
