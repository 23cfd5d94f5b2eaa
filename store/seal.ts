/**
 * Envelope encryption: a key per environment seals what the store keeps, and one key-encryption key, from a file,
 * wraps those keys. Nothing here reads or writes a table, and no key ever leaves it in clear.
 *
 * Every sealed text is AES-256-GCM: one version byte, a random 96-bit nonce, the ciphertext, a 128-bit tag.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

const VERSION = 1
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Holds the key-encryption key. */
export interface Keeper {
  wrap(dataKey: Uint8Array): Promise<Buffer>
  /** @throws SealError when it was wrapped by another key or is damaged. */
  unwrap(wrapped: Uint8Array): Promise<Buffer>
  /** HMAC-SHA-256 with a key of its own for each purpose: tells whether two secrets are equal, and nothing else. */
  hmac(purpose: string, bytes: Uint8Array | string): Buffer
}

/** A sealed text that does not open: wrong key, wrong place, or damaged. Which of them cannot be told. */
export class SealError extends Error {
  override name = 'SealError'
}

/** Makes a key file that only its owner may read; never replaces one. @throws when there is one already. */
export async function createKeyFile(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new Error(
        `there is a key file at ${path} already; a second key would make stored credentials unreadable`,
      )
    throw new Error(`the key file ${path} cannot be made: ${error.code}`)
  })
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`)
    // Credentials sealed with this key may be committed a moment later: the key must not be lost before them.
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Reads a key file: 32 bytes in base64, one line, readable by its owner alone. @throws Error in words for the operator. */
export async function loadKeeper(path: string): Promise<Keeper> {
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Error(`there is no key file at ${path}; "rekey migrate --new-key" makes one for a new store`)
    throw new Error(`the key file ${path} cannot be read: ${error.code}`)
  })
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0)
      throw new Error(`the key file ${path} is open to others than its owner; run: chmod 600 ${path}`)
    const text = (await file.readFile('latin1')).trim()
    if (!/^[A-Za-z0-9+/]{43}=$/.test(text))
      throw new Error(`the key file ${path} does not hold a key: it must be ${KEY_BYTES} bytes in base64`)
    return keeperOf(Buffer.from(text, 'base64'))
  } finally {
    await file.close()
  }
}

function keeperOf(key: Buffer): Keeper {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `rekey/${use}/1`, KEY_BYTES))
  const wrapping = derive('wrap')
  const binding = aad(['data key'])
  return {
    wrap: async (dataKey) => encrypt(wrapping, binding, dataKey),
    unwrap: async (wrapped) => decrypt(wrapping, binding, wrapped),
    hmac: (purpose, bytes) =>
      createHmac('sha256', derive(`hmac/${purpose}`))
        .update(bytes)
        .digest(),
  }
}

/** A new key for an environment, wrapped: the bytes for its row. */
export function newDataKey(keeper: Keeper): Promise<Buffer> {
  return keeper.wrap(randomBytes(KEY_BYTES))
}

/** Unwraps an environment's key. @throws SealError */
export async function openDataKey(
  keeper: Keeper,
  wrapped: Uint8Array,
  environmentId: string,
): Promise<DataKey> {
  return new DataKey(environmentId, await keeper.unwrap(wrapped))
}

export type SealPurpose = 'definition' | 'journal'

/**
 * The key of one environment.
 *
 * Authenticated with every sealed text, and not stored in it: the version byte, the purpose, the environment's id,
 * and the context (the rotation's id for `journal`, empty for `definition`). So a text opens only in the environment,
 * for the purpose and in the row that it was sealed for; one that was moved, also together with the environment's
 * wrapped key, does not. Not authenticated: where inside its definition a `fn::secret` stands, which revision holds
 * it, and which column of a journal row; a definition's author may move secrets about inside it.
 */
export class DataKey {
  readonly #environmentId: string
  readonly #key: Buffer

  constructor(environmentId: string, key: Buffer) {
    this.#environmentId = environmentId
    this.#key = key
  }

  seal(purpose: SealPurpose, context: string, plaintext: Uint8Array): Buffer {
    return encrypt(this.#key, this.#binding(purpose, context), plaintext)
  }

  /** @throws SealError */
  open(purpose: SealPurpose, context: string, sealed: Uint8Array): Buffer {
    return decrypt(this.#key, this.#binding(purpose, context), sealed)
  }

  #binding(purpose: SealPurpose, context: string): Buffer {
    return aad([purpose, this.#environmentId, context])
  }
}

/** JSON of a list is unambiguous: no two lists of parts give the same bytes. */
function aad(parts: string[]): Buffer {
  return Buffer.from(JSON.stringify(['rekey', VERSION, ...parts]))
}

function encrypt(key: Buffer, binding: Buffer, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(binding)
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()])
}

function decrypt(key: Buffer, binding: Buffer, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION)
    throw new SealError('this was not sealed by Rekey, or by a newer version of it')
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(binding)
    .setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    throw new SealError('this was sealed with another key or for another environment, or it is damaged')
  }
}
