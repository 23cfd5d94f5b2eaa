import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadKeeper, type ProgramKeeper } from '../../store/keeper.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { DataKey, newDataKey, openDataKey, SealError } from '../../store/seal.ts'

let folder: string
let keeper: ProgramKeeper
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-seal-'))
  await createKeyFile(file('key'))
  keeper = await loadKeeper(file('key'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('key files', () => {
  test('are readable by their owner alone, and never replaced', async () => {
    expect((await stat(file('key'))).mode & 0o777).toBe(0o600)
    await expect(createKeyFile(file('key'))).rejects.toThrow('already')
  })
  test('each one holds another key', async () => {
    await createKeyFile(file('other'))
    const other = await loadKeeper(file('other'))
    await expect(other.unwrap(await newDataKey(keeper))).rejects.toThrow(SealError)
  })
  test('missing: says what makes one', async () => {
    await expect(loadKeeper(file('none'))).rejects.toThrow('rekey migrate --new-key')
  })
  test.each([0o640, 0o604, 0o622])('refused with mode %o', async (mode) => {
    const path = file(`mode-${mode}`)
    await createKeyFile(path)
    await chmod(path, mode)
    await expect(loadKeeper(path)).rejects.toThrow('chmod 600')
  })
  test.each([
    ['empty', ''],
    ['short', Buffer.alloc(31).toString('base64')],
    ['long', Buffer.alloc(33).toString('base64')],
    ['words', 'correct horse battery staple'],
  ])('refused when %s', async (name, text) => {
    await writeFile(file(name), text, { mode: 0o600 })
    await expect(loadKeeper(file(name))).rejects.toThrow('does not hold a key')
  })
})

describe('data keys', () => {
  const plaintext = Buffer.from('a password')
  const here = randomUUID()
  const there = randomUUID()

  test('open what they sealed, after being unwrapped again', async () => {
    const wrapped = await newDataKey(keeper)
    const sealed = (await openDataKey(keeper, wrapped, here)).seal('journal', 'r1', plaintext)
    expect((await openDataKey(keeper, wrapped, here)).open('journal', 'r1', sealed)).toEqual(plaintext)
    expect(sealed.includes(plaintext)).toBe(false)
  })
  test('seal the same text differently each time', async () => {
    const key = await openDataKey(keeper, await newDataKey(keeper), here)
    expect(key.seal('definition', '', plaintext)).not.toEqual(key.seal('definition', '', plaintext))
  })
  test('do not open what was moved: to another environment even with its key, purpose or rotation', async () => {
    const wrapped = await newDataKey(keeper)
    const key = await openDataKey(keeper, wrapped, here)
    const sealed = key.seal('journal', 'r1', plaintext)
    const elsewhere = await openDataKey(keeper, wrapped, there)
    expect(() => elsewhere.open('journal', 'r1', sealed)).toThrow(SealError)
    expect(() => key.open('journal', 'r2', sealed)).toThrow(SealError)
    expect(() => key.open('definition', 'r1', sealed)).toThrow(SealError)
  })
  test('do not open what was changed, cut or is of another version', () => {
    const key = new DataKey(here, Buffer.alloc(32, 7))
    const sealed = key.seal('definition', '', plaintext)
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      expect(() => key.open('definition', '', changed)).toThrow(SealError)
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => key.open('definition', '', sealed.subarray(0, length))).toThrow(SealError)
  })
  test('open an empty text and a view into a larger buffer', () => {
    const key = new DataKey(here, Buffer.alloc(32, 7))
    const sealed = key.seal('definition', '', Buffer.alloc(0))
    const larger = new Uint8Array(sealed.length + 9)
    larger.set(sealed, 5)
    expect(key.open('definition', '', larger.subarray(5, 5 + sealed.length))).toEqual(Buffer.alloc(0))
  })
})
