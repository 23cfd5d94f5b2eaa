/**
 * One logged-in connection for one piece of work at a time. Every wait has a deadline; whatever goes wrong
 * comes out as a `RotationFailure` or as `LoginRefused`. Knows nothing of roles and passwords beyond its own login.
 */
import { Deadline } from '../database/deadline.ts'
import type { Limits } from '../database/deadline.ts'
import { takePlace } from '../database/places.ts'
import { createDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { LoginRefused, NO_TLS, failureOf } from './failures.ts'
import type { Moment } from './failures.ts'
import type { Route } from './route.ts'
import type { PostgresCredential } from './schema.ts'

export interface LoginAs extends PostgresCredential {
  managing: boolean
}

export class Session {
  readonly #moment: Moment
  readonly #leave: () => void
  #deadline: Deadline
  #driver: Driver | undefined
  #isAlive = true
  #hasChanged = false
  /** Milliseconds that logging in took. */
  loginTime = 0

  private constructor(moment: Moment, limits: Limits, leave: () => void) {
    this.#moment = moment
    this.#leave = leave
    this.#deadline = this.#begin(limits)
  }

  #begin(limits: Limits): Deadline {
    return new Deadline(this.#moment.route, limits, () => {
      this.#isAlive = false
      this.#driver?.close(true)
    })
  }

  /** @throws LoginRefused, RotationFailure */
  static async open(route: Route, login: LoginAs, limits: Limits): Promise<Session> {
    const who = `${login.managing ? 'the managing user' : 'user'} ${JSON.stringify(login.username)}`
    const leave = await takePlace(route, { urgent: limits.urgent ?? false, signal: limits.signal })
    const session = new Session({ doing: 'connecting', who, managing: login.managing, route }, limits, leave)
    const startedAt = performance.now()
    try {
      await session.#connect(login)
      session.loginTime = performance.now() - startedAt
      return session
    } catch (error) {
      session.close()
      throw error instanceof LoginRefused ? error : failureOf(error, session.#moment)
    }
  }

  async #connect(login: LoginAs): Promise<void> {
    const { route } = this.#moment
    const [first, other] = waysOf(route.sslmode)
    try {
      await this.#try(first, login)
    } catch (error) {
      if (other === undefined || !this.#blamesTheWay(error)) throw this.#judge(error)
      this.#driver?.close(true)
      await this.#try(other, login).catch((error: unknown) => {
        throw this.#judge(error)
      })
    }
    this.#moment.doing = 'reading'
    this.#driver!.client.once('end', () => (this.#isAlive = false))
  }

  async #try(encrypted: boolean, login: LoginAs): Promise<void> {
    this.#driver = createDriver(this.#moment.route, encrypted, login)
    await this.#deadline.wait(this.#driver.client.connect())
  }

  /** Like libpq, the other way is tried only when this one was turned down before any password was asked for. */
  #blamesTheWay(error: unknown): boolean {
    const { code, message } = error as { code?: unknown; message?: unknown }
    return message === NO_TLS || (code === '28000' && this.#driver?.demand.method === undefined)
  }

  #judge(error: unknown): unknown {
    const { code } = error as { code?: unknown }
    const asked = this.#driver?.demand.method !== undefined
    return code === '28P01' || (code === '28000' && asked) ? new LoginRefused() : error
  }

  /** True when the server demanded the password and, with SCRAM, proved that it knows it too. */
  get proven(): boolean {
    const { method, signed } = this.#driver!.demand
    return method === 'scram' ? signed : method !== undefined
  }

  /** True where a pooler stands before the server: the backend that answers is not the one that the log-in told of. */
  isPooled(backend: number): boolean {
    return this.#driver!.processId !== backend
  }

  get place(): { host: string; port: number } {
    return this.#moment.route
  }

  /** False once it was cut off, by either side. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /** True once a statement of a change was sent in it since it was taken up. */
  get hasChanged(): boolean {
    return this.#hasChanged
  }

  /** Puts it aside, logged in: no limit holds for it, and nobody's signal. */
  rest(): void {
    this.#deadline.end()
  }

  /** Takes it up for other work, which has limits of its own. */
  resume(limits: Limits): void {
    this.#hasChanged = false
    this.#moment.doing = 'reading'
    this.#deadline = this.#begin(limits)
  }

  /** Calls when the server ends it. Returns what forgets that. */
  onLost(told: () => void): () => void {
    const { client } = this.#driver!
    client.once('end', told)
    return () => client.removeListener('end', told)
  }

  /** Everything from here on, `close` excepted, takes at most so many milliseconds. */
  within(milliseconds: number): void {
    this.#deadline.within(milliseconds)
  }

  /** From the moment a change is sent, its answer matters more than whoever lost interest. */
  ignoreSignal(): void {
    this.#deadline.ignoreSignal()
  }

  /** @throws RotationFailure */
  async query<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    const { rows } = await this.#send(text, values)
    return rows as Row[]
  }

  /** Several statements in one message; the rows of the last one. @throws RotationFailure */
  async script<Row = Record<string, unknown>>(text: string): Promise<Row[]> {
    const results = (await this.#send(text)) as unknown as { rows: unknown[] }[]
    return results.at(-1)!.rows as Row[]
  }

  /** A statement of a change: refusals count as the target's own. Returns the server's command tag. */
  async change(text: string): Promise<string> {
    this.#moment.doing = 'changing'
    this.#hasChanged = true
    const { command } = await this.#send(text)
    return command
  }

  /** Statements of a change that take it back themselves, in one message: refusals count as the target's own. */
  async tryOut(text: string): Promise<void> {
    this.#moment.doing = 'changing'
    this.#hasChanged = true
    await this.#send(text)
    this.#moment.doing = 'reading'
  }

  async #send(text: string, values?: unknown[]): Promise<{ rows: unknown[]; command: string }> {
    try {
      return await this.#deadline.wait(this.#driver!.client.query(text, values))
    } catch (error) {
      throw failureOf(error, this.#moment)
    }
  }

  close(): void {
    this.#deadline.end()
    this.#driver?.close(this.#moment.doing === 'connecting')
    this.#leave()
  }
}

/** Encrypted or not, in the order in which libpq tries. */
function waysOf(sslmode: Route['sslmode']): [boolean, boolean?] {
  if (sslmode === 'disable') return [false]
  if (sslmode === 'allow') return [false, true]
  if (sslmode === 'prefer') return [true, false]
  return [true]
}
