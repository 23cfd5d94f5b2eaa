/**
 * The file of the key-encryption key: one key a line, 32 bytes in base64, the newest first; the lines below it still
 * open what they wrapped, and one marked `next` waits to take its place. The file is only ever replaced whole, and
 * read again whenever it has changed.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { aad, decrypt, encrypt, KEY_BYTES, SealError } from './seal.ts'

const LINE = /^([A-Za-z0-9+/]{43}=)( next)?$/
const BINDING = aad(['data key'])

export interface KeyLines {
  /** The newest, which wraps, first. Never empty. */
  keys: Buffer[]
  /** Opens, and wraps nothing yet. */
  next?: Buffer | undefined
}

/** Makes a key file that only its owner may read; never replaces one. @throws when there is one already. */
export async function createKeyFile(path: string): Promise<void> {
  await write(path, { keys: [newKey()] }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new Error(
        `there is a key file at ${path} already; a second key would make stored credentials unreadable`,
      )
    throw new Error(`the key file ${path} cannot be made: ${error.code}`)
  })
}

/** @throws Error in words for the operator. */
export async function readKeyFile(path: string): Promise<KeyLines> {
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Error(`there is no key file at ${path}; "rekey migrate --new-key" makes one for a new store`)
    throw new Error(`the key file ${path} cannot be read: ${error.code}`)
  })
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0)
      throw new Error(`the key file ${path} is open to others than its owner; run: chmod 600 ${path}`)
    const lines = parse(await file.readFile('latin1'))
    if (lines) return lines
    throw new Error(`the key file ${path} does not hold a key: it must be ${KEY_BYTES} bytes in base64`)
  } finally {
    await file.close()
  }
}

/** Replaces a key file by one with these keys, at once or not at all. @throws Error in words for the operator. */
export async function replaceKeyFile(path: string, lines: KeyLines): Promise<void> {
  const draft = `${path}.new`
  try {
    // What an earlier run left behind was never anybody's key.
    await rm(draft, { force: true })
    await write(draft, lines)
    await rename(draft, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw new Error(
      `the key file ${path} cannot be replaced: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
      { cause: error },
    )
  }
}

export function newKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/** Names a key and tells nothing about it: eight hexadecimal digits. */
export function fingerprint(key: Buffer): string {
  return derive(key, 'fingerprint').toString('hex', 0, 4)
}

/** What hashed credentials before stores had a key of their own for it. */
export function originalHashKey(key: Buffer): Buffer {
  return derive(key, 'hmac/credential')
}

export function wrapWith(key: Buffer, plain: Uint8Array): Buffer {
  return encrypt(derive(key, 'wrap'), BINDING, plain)
}

/** @throws SealError */
export function unwrapWith(key: Buffer, wrapped: Uint8Array): Buffer {
  return decrypt(derive(key, 'wrap'), BINDING, wrapped)
}

/** The keys of a file, as it is now: another program may have replaced it. */
export class KeyFile {
  readonly path: string
  #lines: KeyLines
  #version: string

  private constructor(path: string, lines: KeyLines, version: string) {
    this.path = path
    this.#lines = lines
    this.#version = version
  }

  /** @throws Error in words for the operator. */
  static async open(path: string): Promise<KeyFile> {
    // The version first: a file that is replaced between the two is read once more, not missed.
    const version = await versionOf(path)
    return new KeyFile(path, await readKeyFile(path), version)
  }

  /** The newest first. */
  get keys(): readonly Buffer[] {
    return this.#lines.keys
  }

  async wrap(plain: Uint8Array): Promise<Buffer> {
    await this.#refresh()
    return wrapWith(this.#lines.keys[0]!, plain)
  }

  /** @throws SealError */
  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    const opened = this.#tryAll(wrapped) ?? ((await this.#refresh()) && this.#tryAll(wrapped))
    if (opened) return opened
    throw new SealError('this was sealed with another key, or it is damaged')
  }

  /** Undefined for what the first key wrapped. @throws SealError */
  async unwrapOlder(wrapped: Uint8Array): Promise<Buffer | undefined> {
    await this.#refresh()
    return opens(this.#lines.keys[0]!, wrapped) ? undefined : await this.unwrap(wrapped)
  }

  #tryAll(wrapped: Uint8Array): Buffer | undefined {
    const { keys, next } = this.#lines
    for (const key of next ? [...keys, next] : keys) {
      const opened = opens(key, wrapped)
      if (opened) return opened
    }
    return undefined
  }

  /** True when there are other keys now. A file that cannot be read at the moment changes nothing. */
  async #refresh(): Promise<boolean> {
    try {
      const version = await versionOf(this.path)
      if (version === this.#version) return false
      this.#lines = await readKeyFile(this.path)
      this.#version = version
      return true
    } catch {
      return false
    }
  }
}

function opens(key: Buffer, wrapped: Uint8Array): Buffer | undefined {
  try {
    return unwrapWith(key, wrapped)
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `rekey/${use}/1`, KEY_BYTES))
}

async function versionOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found ? `${found.ino}/${found.mtimeNs}/${found.size}` : ''
}

function parse(text: string): KeyLines | undefined {
  const lines = text
    .trim()
    .split(/\s*\n\s*/)
    .map((line) => LINE.exec(line))
  const keys: Buffer[] = []
  let next: Buffer | undefined
  for (const line of lines) {
    if (!line || (line[2] && next)) return undefined
    const key = Buffer.from(line[1]!, 'base64')
    if (line[2]) next = key
    else keys.push(key)
  }
  return keys.length === 0 ? undefined : { keys, next }
}

async function write(path: string, { keys, next }: KeyLines): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    const lines = keys.map((key) => key.toString('base64'))
    if (next) lines.push(`${next.toString('base64')} next`)
    await file.writeFile(lines.map((line) => `${line}\n`).join(''))
    // Credentials sealed with this key may be committed a moment later: the key must not be lost before them.
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
