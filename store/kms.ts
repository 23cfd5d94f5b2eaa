/**
 * AWS KMS as the holder of the key-encryption key: it wraps and unwraps, and the key never leaves it. Credentials,
 * region and endpoint are the AWS SDK's standard ones. Asked once per environment and process, not per rotation.
 */
import type * as Kms from '@aws-sdk/client-kms'
import { SealError } from './seal.ts'

/** Tells a wrapped key of KMS from one of a key file, which begins with 1. */
const KMS_VERSION = 2
/** Shown in CloudTrail, and a condition that a key policy can ask for. */
const CONTEXT = { application: 'rekey', purpose: 'data key' }
/** KMS throttles in bursts; both calls may be repeated. */
const ATTEMPTS = 5
const TIMEOUT_MS = 5_000

export function isFromKms(wrapped: Uint8Array): boolean {
  return wrapped[0] === KMS_VERSION
}

/** What the SDK rejects with, in words: KMS, like a database, may be away for a moment. */
export class KmsAway extends Error {
  override name = 'KmsAway'
}

export class KmsKey {
  readonly id: string
  #client: Promise<{ client: Kms.KMSClient; sdk: typeof Kms }> | undefined
  #arn: string | undefined

  /** @param id key id, ARN or alias/… */
  constructor(id: string) {
    this.id = id
  }

  /** @throws KmsAway */
  async wrap(plain: Uint8Array): Promise<Buffer> {
    const { client, sdk } = await this.#connect()
    const command = new sdk.EncryptCommand({ KeyId: this.id, Plaintext: plain, EncryptionContext: CONTEXT })
    const answer = await inWords(this.id, client.send(command))
    this.#arn = answer.KeyId
    return Buffer.concat([Buffer.of(KMS_VERSION), answer.CiphertextBlob!])
  }

  /** @throws SealError, KmsAway */
  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    return (await this.#decrypt(wrapped)).plain
  }

  /** Undefined for what the key that is meant now wrapped. @throws SealError, KmsAway */
  async unwrapOlder(wrapped: Uint8Array): Promise<Buffer | undefined> {
    // An alias may have been pointed at another key: only an answer of Encrypt says which one is meant now.
    if (this.#arn === undefined) await this.wrap(Buffer.from('which key'))
    const { plain, arn } = await this.#decrypt(wrapped)
    return arn === this.#arn ? undefined : plain
  }

  async #decrypt(wrapped: Uint8Array): Promise<{ plain: Buffer; arn: string | undefined }> {
    const { client, sdk } = await this.#connect()
    // Without a key id: a symmetric ciphertext names its key, which may be the one before.
    const command = new sdk.DecryptCommand({
      CiphertextBlob: wrapped.subarray(1),
      EncryptionContext: CONTEXT,
    })
    const answer = await inWords(this.id, client.send(command))
    return { plain: Buffer.from(answer.Plaintext!), arn: answer.KeyId }
  }

  #connect() {
    return (this.#client ??= import('@aws-sdk/client-kms').then((sdk) => ({
      sdk,
      client: new sdk.KMSClient({
        maxAttempts: ATTEMPTS,
        defaultsMode: 'standard',
        requestHandler: { requestTimeout: TIMEOUT_MS, connectionTimeout: TIMEOUT_MS },
        customUserAgent: 'rekey',
      }),
    })))
  }
}

async function inWords<T>(id: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown error'
    if (/InvalidCiphertext|IncorrectKey/.test(name))
      throw new SealError('this was sealed with another key of AWS KMS, or it is damaged')
    throw new KmsAway(
      `AWS KMS does not answer for the key ${id} (${name}): check REKEY_KMS_KEY, the region, the endpoint, and that ` +
        'these AWS credentials may use kms:Encrypt and kms:Decrypt on it',
    )
  }
}
