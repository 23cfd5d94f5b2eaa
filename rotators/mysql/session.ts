/**
 * One logged-in connection for one piece of work, destroyed after it. Every wait has a deadline; whatever goes wrong
 * comes out as a `RotationFailure` or as `LoginRefused`. Knows nothing of accounts beyond its own login.
 */
import { Deadline } from '../database/deadline.ts'
import type { Limits } from '../database/deadline.ts'
import type { Moment } from '../database/failures.ts'
import { takePlace } from '../database/places.ts'
import { isPrivate } from './authentication.ts'
import { NO_TLS, createDriver } from './driver.ts'
import type { Driver, Reported } from './driver.ts'
import { failureOf } from './failures.ts'
import type { Route } from './route.ts'
import type { MysqlCredential } from './schema.ts'
import { SPEECH, WHICH } from './sql.ts'

export interface LoginAs extends MysqlCredential {
  managing: boolean
}

type Rows<Row> = Promise<Row[]>

/** Told to whoever changes a user that the server would not change; the reason is a question away. */
const CANNOT_USER = 1396

export class Session {
  readonly #moment: Moment
  readonly #deadline: Deadline
  readonly #leave: () => void
  #driver: Driver | undefined
  #encrypted = false
  #isMariadb = false
  #isGivenUp = false
  #isReadOnly = false
  #id = 0

  private constructor(moment: Moment, limits: Limits, leave: () => void) {
    this.#moment = moment
    this.#leave = leave
    this.#deadline = new Deadline(moment.route, limits, () => {
      this.#isGivenUp = true
      this.#driver?.close(true)
    })
  }

  /** The managing user needs no database; the others log in to the one that is named. @throws LoginRefused, RotationFailure */
  static async open(route: Route, login: LoginAs, limits: Limits): Promise<Session> {
    const who = `${login.managing ? 'the managing user' : 'user'} ${JSON.stringify(login.username)}`
    const leave = await takePlace(route, { urgent: limits.urgent ?? false, signal: limits.signal })
    const session = new Session({ doing: 'connecting', who, managing: login.managing, route }, limits, leave)
    try {
      await session.#connect(login)
      return session
    } catch (error) {
      session.close()
      throw failureOf(error, session.#moment)
    }
  }

  async #connect(login: LoginAs): Promise<void> {
    const { sslmode } = this.#moment.route
    if (sslmode === 'prefer') {
      await this.#try(true, login).catch(async (error: Reported) => {
        // Only a server that says it has no TLS is talked to without.
        if (error.code !== NO_TLS) throw error
        this.#driver?.close(true)
        await this.#try(false, login)
      })
    } else if (sslmode === 'allow') {
      await this.#try(false, login).catch(async (error: Reported) => {
        if (error.errno !== 3159) throw error
        this.#driver?.close(true)
        await this.#try(true, login)
      })
    } else await this.#try(sslmode !== 'disable', login)
    this.#moment.doing = 'reading'
    if (!login.managing) return
    await this.query(SPEECH)
    const [server] = await this.query<Record<'mariadb' | 'id' | 'read_only', unknown>>(WHICH)
    this.#isMariadb = String(server?.mariadb) === '1'
    this.#isReadOnly = !['0', 'OFF'].includes(String(server?.read_only))
    this.#id = Number(server?.id)
  }

  async #try(encrypted: boolean, login: LoginAs): Promise<void> {
    const { route } = this.#moment
    this.#encrypted = encrypted
    this.#driver = createDriver(route, encrypted, login, login.managing ? undefined : route.database)
    await this.#deadline.wait(this.#driver.connected)
  }

  /** MySQL and MariaDB store accounts in different ways. Known to the managing user alone. */
  get isMariadb(): boolean {
    return this.#isMariadb
  }

  /** May a password be sent over it? */
  get isPrivate(): boolean {
    return isPrivate(this.#moment.route, this.#encrypted)
  }

  get isEncrypted(): boolean {
    return this.#encrypted
  }

  /** A replica, or a primary that is about to become one; some users may write there all the same. Known to the managing user alone. */
  get isReadOnly(): boolean {
    return this.#isReadOnly
  }

  /** Its number at the server. Known to the managing user alone. */
  get id(): number {
    return this.#id
  }

  /** True once nobody waits any more for what the server may still be at. */
  get isGivenUp(): boolean {
    return this.#isGivenUp
  }

  get place(): string {
    return `${this.#moment.route.host}:${this.#moment.route.port}`
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
  async query<Row = Record<string, unknown>>(sql: string): Rows<Row> {
    try {
      return (await this.#send(sql)) as Row[]
    } catch (error) {
      throw failureOf(error, this.#moment)
    }
  }

  /** Undefined where the server does not let this user see it. @throws RotationFailure */
  async see<Row = Record<string, unknown>>(sql: string): Promise<Row[] | undefined> {
    try {
      return (await this.#send(sql)) as Row[]
    } catch (error) {
      const { errno } = error as Reported
      if (errno === 1142 || errno === 1143 || errno === 1044 || errno === 1227) return undefined
      throw failureOf(error, this.#moment)
    }
  }

  /** The statement that changes something. @throws RotationFailure */
  async change(sql: string): Promise<void> {
    this.#moment.doing = 'changing'
    try {
      await this.#send(sql)
    } catch (error) {
      throw failureOf(await this.#reasonOf(error as Reported), this.#moment)
    }
  }

  /** MariaDB says of every refusal that the operation failed, and why only when it is asked. */
  async #reasonOf(error: Reported): Promise<unknown> {
    if (error.errno !== CANNOT_USER) return error
    const said = await this.#send('SHOW WARNINGS').catch(() => [])
    const other = said.find(({ Code }) => Number(Code) >= 1000 && Number(Code) !== CANNOT_USER)
    return other ? { errno: Number(other['Code']), message: String(other['Message']) } : error
  }

  async #send(sql: string): Promise<Record<string, unknown>[]> {
    return await this.#deadline.wait(this.#driver!.query(sql))
  }

  close(): void {
    this.#deadline.end()
    this.#driver?.close(this.#moment.doing === 'connecting')
    this.#leave()
  }
}
