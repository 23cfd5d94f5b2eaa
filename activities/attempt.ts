/**
 * One attempt at one rotation: its row with the fence that this attempt holds, the evaluated call, and the rotator's
 * calls wrapped so that whatever a driver throws is a failure code from here on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { CancelledFailure } from '@temporalio/activity'
import { redactFailure, redactWords } from '../environments/secret-inputs.ts'
import { RotationFailure, toRotationFailure } from '../model/failures.ts'
import { WriteDownFirst } from '../rotators/rotator.ts'
import type { RecoverAnswer, RotatorContext, TestAnswer } from '../rotators/rotator.ts'
import { advance, type JournalChange } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import type { DataKey } from '../store/seal.ts'
import type { EvaluatedCall } from './definition.ts'
import { originOf } from './guarded.ts'
import type { ActivityServices } from './services.ts'

export class Attempt {
  row: Rotation
  readonly call: EvaluatedCall
  readonly services: ActivityServices
  readonly #dataKey: DataKey
  readonly #signal: AbortSignal
  /** True when a call other than one that this attempt saw answered may reach the target: an earlier attempt's, a lost one. */
  sentByOthers: boolean
  /** True where an earlier attempt has looked at the target and written down what to send, however long ago. */
  readonly isResumed: boolean
  /** What the rotator wants people to know, its secrets taken out. */
  readonly warnings: string[] = []
  /** How often something else had to be written down before it could be applied. */
  writtenFirst = 0

  constructor(
    services: ActivityServices,
    row: Rotation,
    call: EvaluatedCall,
    options: { dataKey: DataKey; signal: AbortSignal },
  ) {
    this.services = services
    this.row = row
    this.call = call
    this.#dataKey = options.dataKey
    this.#signal = options.signal
    this.sentByOthers = row.sentUntil !== null
    this.isResumed = row.step === 'prepared'
  }

  /** Writes a step. @throws StaleAttempt */
  async advance(change: JournalChange): Promise<void> {
    this.row = await advance(this.services.environments.db, this.row, change)
  }

  seal(value: unknown): Buffer {
    return this.#dataKey.seal('journal', this.row.id, Buffer.from(JSON.stringify(value)))
  }

  /** Opens what this or another row of the same environment sealed. */
  unseal(sealed: Buffer, rotationId = this.row.id): unknown {
    return JSON.parse(this.#dataKey.open('journal', rotationId, sealed).toString('utf8'))
  }

  /** `sendBy` as `startSending` gave it, for the one call that changes something. */
  context(sendBy = 0): RotatorContext {
    const { changeTimeout, targetTimeout } = this.services.limits
    const warn = (words: string) => void this.warnings.push(redactWords(words, this.call.secrets))
    return { signal: this.#signal, changeTimeout, sendBy, timeout: targetTimeout, at: this.services.at, warn }
  }

  /**
   * Writes down until when a change that is sent now may land.
   * @returns after when it must not be sent: taken before the row is written, so that a process which is stopped in
   * between finds it passed.
   */
  async startSending(): Promise<number> {
    const sendBy = this.sendBy()
    const { prepared } = this.row
    await this.advance({ landsWithin: this.landsWithin(prepared === null ? null : this.unseal(prepared)) })
    await this.services.at('apply: written down')
    return sendBy
  }

  /** After when a change that is written down now must not be sent any more. */
  sendBy(): number {
    return Date.now() + this.services.limits.changeTimeout
  }

  /** Milliseconds after which a change that is sent now has landed or never will. */
  landsWithin(prepared: unknown): number {
    const lingers = prepared === null ? 0 : (this.call.rotator.lingers?.(prepared) ?? 0)
    return 3 * this.services.limits.changeTimeout + lingers
  }

  /** A rotator's call: what is not a failure of its own becomes INTERNAL, and its place goes into the log. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (error) {
      if (error instanceof WriteDownFirst) throw error
      // Ended by us, not by the target: another attempt goes on from the row.
      if (this.#signal.aborted) throw new CancelledFailure('CANCELLED')
      if (!(error instanceof RotationFailure)) {
        this.services.log.error(
          { rotator: this.row.rotator, ...originOf(error) },
          'a rotator threw what is no rotation failure',
        )
      }
      throw redactFailure(toRotationFailure(error), this.call.secrets)
    }
  }

  async test(credential: unknown): Promise<TestAnswer> {
    return await this.ask(() => this.call.rotator.test(this.call.inputs, credential, this.context()))
  }

  /** As `test`, where the target takes a while to know a credential: refused only when it still is after that while. */
  async testSettled(credential: unknown): Promise<TestAnswer> {
    const { settling } = this.call.rotator
    if (!settling) return await this.test(credential)
    const startedAt = performance.now()
    for (let successes = 0; ; await this.wait(settling.pause)) {
      successes = (await this.test(credential)) === 'works' ? successes + 1 : 0
      if (successes >= settling.successes) return 'works'
      // One that has begun to work may be slow to answer often enough: that is no refusal.
      if (successes === 0 && performance.now() - startedAt >= settling.deadline) return 'refused'
    }
  }

  /**
   * Takes back what the target itself said it made for us.
   * @param sendBy taken before the row was last written: a process that was stopped since must find it passed, for
   * what it removes may have been published by another attempt in the meantime.
   */
  async remove(credential: unknown, sendBy: number): Promise<void> {
    const { rotator, inputs } = this.call
    await this.ask(async () => await rotator.remove?.(inputs, credential, this.context(sendBy)))
  }

  /** What became of a change whose answer was lost. Ask when it cannot land any more. */
  async recover(prepared: unknown): Promise<RecoverAnswer<unknown, unknown>> {
    const { rotator, inputs, published } = this.call
    if (!rotator.recover) return 'unknown'
    const answer = rotator.recover.bind(rotator)
    return await this.ask(() => answer(inputs, prepared, this.context(), published))
  }

  /** Why a new credential may be refused, in words; undefined where that cannot be told. */
  async whyRefused(credential: unknown): Promise<string | undefined> {
    const { rotator, inputs, secrets } = this.call
    try {
      const words = await this.ask(async () => rotator.whyRefused?.(inputs, credential, this.context()))
      return words === undefined ? undefined : redactWords(words, secrets)
    } catch (error) {
      if (error instanceof RotationFailure) return undefined
      throw error
    }
  }

  /** Waits, unless the worker is to stop. */
  async wait(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: this.#signal })
  }
}

/** Whether a login has to be made anew is worth a thought then. */
export function isRefusedLogin(error: unknown): boolean {
  return error instanceof RotationFailure && error.code === 'LOGIN_FAILED'
}
