/**
 * Who wraps the keys of environments: a key file, or AWS KMS where a KMS key is named. Either opens what the other
 * wrapped while both are given, so that a store moves from one to the other while it serves.
 */
import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { KeyFile, originalHashKey } from './key-file.ts'
import { isFromKms, KmsKey } from './kms.ts'
import { SealError, type Keeper } from './seal.ts'

/** The keeper of a program. @throws Error in words for the operator: no key file, or one that is open to others. */
export async function loadKeeper(keyFile: string, kmsKey?: string): Promise<ProgramKeeper> {
  const kms = kmsKey === undefined ? undefined : new KmsKey(kmsKey)
  const file = kms && !existsSync(keyFile) ? undefined : await KeyFile.open(keyFile)
  return new ProgramKeeper(kms, file)
}

export class ProgramKeeper implements Keeper {
  readonly #kms: KmsKey | undefined
  readonly #file: KeyFile | undefined
  #hashKey: Buffer | undefined

  constructor(kms: KmsKey | undefined, file: KeyFile | undefined) {
    this.#kms = kms
    this.#file = file
  }

  wrap(key: Uint8Array): Promise<Buffer> {
    return this.#newest.wrap(key)
  }

  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    return await this.#holderOf(wrapped).unwrap(wrapped)
  }

  async unwrapOlder(wrapped: Uint8Array): Promise<Buffer | undefined> {
    const holder = this.#holderOf(wrapped)
    return holder === this.#newest ? await holder.unwrapOlder(wrapped) : await holder.unwrap(wrapped)
  }

  hmac(bytes: Uint8Array | string): Buffer {
    if (!this.#hashKey) throw new Error('the canary of the store has not been opened yet')
    return createHmac('sha256', this.#hashKey).update(bytes).digest()
  }

  /** Called by whoever opened the canary. */
  useHashKey(hashKey: Buffer): void {
    this.#hashKey = hashKey
  }

  /** The hash key of a store that was made before it had one of its own; undefined where no key file is given. */
  originalHashKey(): Buffer | undefined {
    const oldest = this.#file?.keys.at(-1)
    return oldest && originalHashKey(oldest)
  }

  get #newest(): KmsKey | KeyFile {
    return (this.#kms ?? this.#file)!
  }

  #holderOf(wrapped: Uint8Array): KmsKey | KeyFile {
    const holder = isFromKms(wrapped) ? this.#kms : this.#file
    if (holder) return holder
    throw new SealError(
      isFromKms(wrapped)
        ? 'this was sealed with a key of AWS KMS; set REKEY_KMS_KEY'
        : 'this was sealed with a key file, and there is none at REKEY_KEY_FILE',
    )
  }
}
