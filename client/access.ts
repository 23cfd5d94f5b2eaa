/**
 * Where Temporal is and the credentials for it, as the files have them now: replaced files are read again while the
 * program runs. What cannot be used never takes the place of what could.
 */
import { stat } from 'node:fs/promises'
import { setInterval as every } from 'node:timers/promises'
import type { Logger } from 'pino'
import { credentialFiles, readCredentials, type Credentials, type TemporalSettings } from './credentials.ts'

/** Milliseconds between two looks at the files. */
const LOOK_EVERY = 2_000

export class TemporalAccess {
  readonly address: string
  readonly namespace: string
  readonly #settings: TemporalSettings
  readonly #listeners = new Set<() => void>()
  #credentials: Credentials
  #version: string

  private constructor(settings: TemporalSettings, credentials: Credentials, version: string) {
    this.address = settings.temporalAddress
    this.namespace = settings.temporalNamespace
    this.#settings = settings
    this.#credentials = credentials
    this.#version = version
  }

  /** @throws Error in words for the operator: settings that contradict one another, or a file that cannot be used. */
  static async open(settings: TemporalSettings): Promise<TemporalAccess> {
    // The version first: a file that is replaced between the two is read once more, not missed.
    const version = await versionOf(settings)
    return new TemporalAccess(settings, await readCredentials(settings), version)
  }

  get credentials(): Credentials {
    return this.#credentials
  }

  /** Called after the credentials have changed. Returns how to end that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** True when the files hold something else now. @throws Error in words for the operator; what there was stays. */
  async refresh(): Promise<boolean> {
    const version = await versionOf(this.#settings)
    if (version === this.#version) return false
    this.#credentials = await readCredentials(this.#settings)
    this.#version = version
    for (const listener of this.#listeners) listener()
    return true
  }

  /** Looks at the files until the signal fires. */
  async follow(log: Pick<Logger, 'info' | 'warn'>, signal: AbortSignal): Promise<void> {
    if (credentialFiles(this.#settings).length === 0) return
    let told = ''
    try {
      for await (const _ of every(LOOK_EVERY, undefined, { signal, ref: false })) {
        try {
          if (await this.refresh())
            log.info('the credentials for Temporal were replaced, and are used from now on')
          told = ''
        } catch (error) {
          const { message } = error as Error
          // Both files of a pair are not replaced at once: the first look may be between the two.
          if (message !== told) log.warn(`the credentials for Temporal stay as they were: ${message}`)
          told = message
        }
      }
    } catch {
      // told to stop
    }
  }
}

async function versionOf(settings: TemporalSettings): Promise<string> {
  const found = await Promise.all(
    credentialFiles(settings).map((file) => stat(file, { bigint: true }).catch(() => undefined)),
  )
  return found.map((one) => (one ? `${one.ino}/${one.mtimeNs}/${one.ctimeNs}/${one.size}` : '')).join(' ')
}
