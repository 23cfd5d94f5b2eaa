/** A client of the HTTP API as a careful person writes it: any server will do, and what was cut off is asked again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ORGANIZATION, type Rig } from './rig.ts'
import type { Random } from './random.ts'

export interface Answer {
  /** 0 when no server answered. */
  status: number
  text: string
}

export interface RotateAnswer {
  eventId: string
  status: string
  rotations: {
    environmentPath: string
    status: string
    errorCode?: string
    errorMessage?: string
    outcome?: string
  }[]
}

/** Milliseconds that one call may take. */
const PATIENCE = 90_000

export class Api {
  readonly #rig: Pick<Rig, 'urls' | 'token'>
  readonly #random: Random

  constructor(rig: Pick<Rig, 'urls' | 'token'>, random: Random) {
    this.#rig = rig
    this.#random = random
  }

  async call(
    method: string,
    path: string,
    options: {
      text?: string
      json?: unknown
      headers?: Record<string, string>
      /** The path is not that of an environment. */
      root?: boolean
    } = {},
  ): Promise<Answer> {
    const body = options.text ?? (options.json === undefined ? undefined : JSON.stringify(options.json))
    try {
      const response = await fetch(
        `${this.#random.pick(this.#rig.urls)}/api/esc/${options.root ? '' : `environments/${ORGANIZATION}/`}${path}`,
        {
          method,
          headers: {
            authorization: `token ${this.#rig.token}`,
            ...(options.text !== undefined && { 'content-type': 'application/x-yaml' }),
            ...(options.json !== undefined && { 'content-type': 'application/json' }),
            ...options.headers,
          },
          ...(body !== undefined && { body }),
          signal: AbortSignal.timeout(PATIENCE),
        },
      )
      return { status: response.status, text: await response.text() }
    } catch {
      return { status: 0, text: '' }
    }
  }

  /** Until a server has an answer that is its own. @throws when none has in time */
  async insist(...args: Parameters<Api['call']>): Promise<Answer> {
    const deadline = Date.now() + PATIENCE
    for (;;) {
      const answer = await this.call(...args)
      if (answer.status !== 0 && answer.status < 500) return answer
      if (Date.now() > deadline) throw new Error(`${args[0]} ${args[1]}: ${answer.status} ${answer.text}`)
      await sleep(100 + 400 * this.#random.next())
    }
  }

  /** Rotates everything; asked again with the same key until it has ended or `signal` fires. */
  async rotate(
    environment: string,
    key: string,
    heard: (eventId: string) => void,
    signal: AbortSignal,
  ): Promise<RotateAnswer | undefined> {
    while (!signal.aborted) {
      const { status, text } = await this.call('POST', `${environment}/rotate`, {
        json: {},
        headers: { 'idempotency-key': key },
      })
      if (status === 200) {
        const { id, secretRotationEvent: event } = JSON.parse(text) as {
          id: string
          secretRotationEvent: { status: string; rotations?: RotateAnswer['rotations'] }
        }
        heard(id)
        return { eventId: id, status: event.status, rotations: event.rotations ?? [] }
      }
      if (status !== 0 && status < 500) throw new Error(`rotating ${environment}: ${status} ${text}`)
      await sleep(100 + 400 * this.#random.next())
    }
    return undefined
  }
}
