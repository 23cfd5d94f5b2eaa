/** The access keys of one user: listed, made, deleted, tried, and described for people. Decides nothing. */
import type {
  AccessKeyMetadata,
  CreateAccessKeyCommandOutput,
  GetAccessKeyLastUsedCommandOutput,
  ListAccessKeysCommandOutput,
} from '@aws-sdk/client-iam'
import type { GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts'
import { RotationFailure } from '../../model/failures.ts'
import type { RotatorContext } from '../rotator.ts'
import type { Aws, Deadlines } from './aws.ts'
import { KeyRefused, NoSuchThing } from './failures.ts'
import type { AccessKey } from './schema.ts'
import { isSameUser, parseUser } from './user.ts'
import type { IamUser } from './user.ts'

export interface ListedKey {
  id: string
  active: boolean
  createdAt: Date | undefined
}

/** More pages than a user can fill. */
const PAGES = 20

/** The keys of one user, through a login that manages them. */
export class Keys {
  readonly #aws: Aws
  readonly #user: IamUser
  readonly #context: RotatorContext

  constructor(aws: Aws, user: IamUser, context: RotatorContext) {
    this.#aws = aws
    this.#user = user
    this.#context = context
  }

  /** @throws RotationFailure */
  async list(): Promise<ListedKey[]> {
    const keys: AccessKeyMetadata[] = []
    let Marker: string | undefined
    for (let page = 0; page < PAGES; page++) {
      const command = new this.#aws.iam.ListAccessKeysCommand({
        UserName: this.#user.name,
        ...(Marker !== undefined && { Marker }),
      })
      const answer = await this.#ask<ListAccessKeysCommandOutput>('iam:ListAccessKeys', command).catch(
        (error: unknown) => {
          throw this.#worded(error)
        },
      )
      keys.push(...(answer.AccessKeyMetadata ?? []))
      if (!answer.IsTruncated || answer.Marker === undefined) break
      Marker = answer.Marker
    }
    return keys.flatMap(({ AccessKeyId: id, Status, CreateDate: createdAt }) =>
      id === undefined ? [] : [{ id, active: Status !== 'Inactive', createdAt }],
    )
  }

  /** @throws RotationFailure, NoRoom */
  async create(): Promise<AccessKey> {
    const command = new this.#aws.iam.CreateAccessKeyCommand({ UserName: this.#user.name })
    const answer = this.#change<CreateAccessKeyCommandOutput>('iam:CreateAccessKey', command)
    const { AccessKey: made } = await answer.catch((error: unknown) => {
      throw this.#worded(error)
    })
    if (!made?.AccessKeyId || !made.SecretAccessKey)
      throw new RotationFailure('TARGET_UNREACHABLE', 'AWS answered without a key (iam:CreateAccessKey)')
    const createdAt = (made.CreateDate ?? new Date()).toISOString()
    return { accessKeyId: made.AccessKeyId, secretAccessKey: made.SecretAccessKey, createdAt }
  }

  /** One that is gone already is deleted. @throws RotationFailure */
  async delete(id: string): Promise<void> {
    const input = { UserName: this.#user.name, AccessKeyId: id }
    const command = new this.#aws.iam.DeleteAccessKeyCommand(input)
    await this.#change('iam:DeleteAccessKey', command).catch((error: unknown) => {
      if (!(error instanceof NoSuchThing)) throw this.#worded(error)
    })
  }

  /** Keys as people are told of them: id, age, last use where the login may see it. */
  async describe(ids: string[], listed: ListedKey[]): Promise<string[]> {
    return await Promise.all(
      ids.map(async (id) => {
        const key = listed.find((one) => one.id === id)
        const made = key?.createdAt ? [`made ${key.createdAt.toISOString()}`] : []
        const inactive = key?.active === false ? ['inactive'] : []
        return `${id} (${[...made, ...inactive, await this.#lastUse(id)].join(', ')})`
      }),
    )
  }

  async #lastUse(id: string): Promise<string> {
    try {
      const command = new this.#aws.iam.GetAccessKeyLastUsedCommand({ AccessKeyId: id })
      const { AccessKeyLastUsed: use } = await this.#ask<GetAccessKeyLastUsedCommandOutput>(
        'iam:GetAccessKeyLastUsed',
        command,
      )
      return use?.LastUsedDate ? `last used ${use.LastUsedDate.toISOString()}` : 'never used'
    } catch {
      // Nice to know, and no part of the least policy.
      return 'last use not known'
    }
  }

  async #ask<T>(action: `iam:${string}`, command: unknown): Promise<T> {
    return await this.#aws.ask<T>(action, command, this.#context)
  }

  /** What was sent is waited for, whoever has lost interest. */
  async #change<T>(action: `iam:${string}`, command: unknown): Promise<T> {
    const { signal, sendBy, changeTimeout } = this.#context
    const notSent = (code: 'CANCELLED' | 'TARGET_TIMEOUT', words: string) =>
      new RotationFailure(code, words, { unchanged: true })
    if (signal.aborted) throw notSent('CANCELLED', 'stopped before anything was changed')
    if (Date.now() > sendBy)
      throw notSent('TARGET_TIMEOUT', 'the change was not sent: too much time had passed before it')
    const deadlines: Deadlines = { signal: new AbortController().signal, timeout: 2 * changeTimeout }
    return await this.#aws.ask<T>(action, command, deadlines)
  }

  #worded(error: unknown): unknown {
    if (error instanceof KeyRefused) return loginRefused()
    if (!(error instanceof NoSuchThing)) return error
    const { name, account } = this.#user
    return new RotationFailure(
      'TARGET_NOT_FOUND',
      `there is no IAM user ${JSON.stringify(name)} in account ${account}`,
      { unchanged: true },
    )
  }
}

/**
 * Refuses a login that would act elsewhere, or cut itself off: IAM is asked by the user's name alone, so the login's
 * account decides whose keys these are.
 * @returns the ARN of the login.
 * @throws RotationFailure
 */
export async function checkManager(aws: Aws, user: IamUser, deadlines: Deadlines): Promise<string> {
  const { Arn, Account } = await identityOf(aws, deadlines).catch((error: unknown) => {
    throw error instanceof KeyRefused ? loginRefused() : error
  })
  const partition = Arn?.split(':')[1]
  if (Account !== user.account || partition !== user.partition)
    throw new RotationFailure(
      'INPUT_INVALID',
      `the login belongs to account ${Account} of ${partition}, and userArn names account ${user.account} of ${user.partition}`,
    )
  const manager = parseUser(Arn ?? '')
  if (manager && isSameUser(manager, user))
    throw new RotationFailure(
      'INPUT_INVALID',
      'the login is a key of the very user that is rotated; it would cut itself off. Use the key of another user',
    )
  return Arn ?? ''
}

/** Whether a key is one of this user's. @throws RotationFailure when that cannot be told. */
export async function belongsTo(aws: Aws, user: IamUser, deadlines: Deadlines): Promise<boolean> {
  try {
    const { Arn } = await identityOf(aws, deadlines)
    const owner = parseUser(Arn ?? '')
    if (owner && isSameUser(owner, user)) return true
  } catch (error) {
    if (error instanceof KeyRefused) return false
    throw error
  }
  throw new RotationFailure('VERIFY_FAILED', 'AWS knows the key, and as that of somebody else than userArn')
}

function loginRefused(): RotationFailure {
  return new RotationFailure('LOGIN_FAILED', 'AWS refused the access key of the login; correct it', {
    unchanged: true,
  })
}

async function identityOf(aws: Aws, deadlines: Deadlines): Promise<GetCallerIdentityCommandOutput> {
  const command = new aws.sts.GetCallerIdentityCommand({})
  return await aws.ask<GetCallerIdentityCommandOutput>('sts:GetCallerIdentity', command, deadlines)
}
