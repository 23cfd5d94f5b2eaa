/**
 * Envelope encryption: a key per environment seals what the store keeps, and a keeper (keeper.ts) wraps those keys.
 * Nothing here reads or writes a table, and no key ever leaves it in clear.
 *
 * Every sealed text is AES-256-GCM: one version byte, a random 96-bit nonce, the ciphertext, a 128-bit tag.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'

const VERSION = 1
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Holds the key-encryption key. */
export interface Keeper {
  wrap(key: Uint8Array): Promise<Buffer>
  /** @throws SealError when it was wrapped by another key or is damaged. */
  unwrap(wrapped: Uint8Array): Promise<Buffer>
  /** The same where an older key wrapped it; undefined where the newest did. */
  unwrapOlder(wrapped: Uint8Array): Promise<Buffer | undefined>
  /** HMAC-SHA-256: tells whether two secrets are equal, and nothing else. @throws before the canary was opened. */
  hmac(bytes: Uint8Array | string): Buffer
}

/** A sealed text that does not open: wrong key, wrong place, or damaged. Which of them cannot be told. */
export class SealError extends Error {
  override name = 'SealError'
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
  /** Not the bytes: those cost more to look at, each time, than it takes to seal a password with them. */
  readonly #key: KeyObject

  constructor(environmentId: string, key: Buffer) {
    this.#environmentId = environmentId
    this.#key = createSecretKey(key)
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
export function aad(parts: string[]): Buffer {
  return Buffer.from(JSON.stringify(['rekey', VERSION, ...parts]))
}

export function encrypt(key: Buffer | KeyObject, binding: Buffer, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(binding)
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()])
}

export function decrypt(key: Buffer | KeyObject, binding: Buffer, sealed: Uint8Array): Buffer {
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
