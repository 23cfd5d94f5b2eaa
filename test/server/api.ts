/** The API over a real store, with people and tokens, for the tests of its routes. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { DEFAULT_SETTINGS } from '../../environments/services.ts'
import type { Level } from '../../model/permissions.ts'
import { findRotator } from '../../rotators/index.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import { createApp } from '../../server/app.ts'
import type { Rotations, ScheduleProjector, Services } from '../../server/services.ts'
import { createCanary } from '../../store/canary.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { giveGrant, type GrantScope } from '../../store/grants.ts'
import { migrate } from '../../store/migrate.ts'
import type { Schedule } from '../../store/schedules.ts'
import { loadKeeper } from '../../store/keeper.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { createToken } from '../../store/tokens.ts'
import { addMember, ensureOrganization, ensureUser } from '../../store/users.ts'
import { migratedDatabase, type FreshDatabase } from '../support/servers.ts'

/** Answers are looked into as they come; what they hold is what the tests assert. */
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any

export interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
  json: Json
}

export interface Api {
  app: FastifyInstance
  services: Services
  db: Database
  /** Tokens by login: `admin` administers the organization `main`. */
  tokens: Record<string, string>
  /** What was projected onto Temporal, in order. */
  projected: (Schedule | string)[]
  /** Makes a user of `main`, with a grant where one is wanted. */
  person(login: string, level?: Level, scope?: Omit<GrantScope, 'organization'>): Promise<string>
  /** One request as somebody (default `admin`; null: without a token). */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  close(): Promise<void>
}

export interface CallOptions {
  as?: string | null
  body?: string | object
  headers?: Record<string, string>
}

/** @param given an empty database to stand on, of the shared server where absent */
export async function startApi(
  overrides: Partial<Services> = {},
  given?: Pick<FreshDatabase, 'url' | 'drop'>,
): Promise<Api> {
  const database = given ?? (await migratedDatabase())
  const folder = await mkdtemp(join(tmpdir(), 'rekey-api-'))
  const db = connectDatabase(database.url)
  if (given) await migrate(db)
  await createKeyFile(join(folder, 'key'))
  const keeper = await loadKeeper(join(folder, 'key'))
  await createCanary(db, keeper)
  await ensureOrganization(db, 'main')
  const projected: (Schedule | string)[] = []
  const services: Services = {
    db,
    keeper,
    findRotator,
    findLogin,
    settings: DEFAULT_SETTINGS,
    rotations: unused,
    rehearsals: { rehearse: () => Promise.reject(new Error('no dry run is asked for here')) },
    schedules: recorder(projected),
    demandKey: () => Promise.resolve(),
    checks: {},
    minScheduleInterval: 3_600_000,
    ...overrides,
  }
  const app = createApp(services)
  const tokens: Record<string, string> = {}

  const api: Api = {
    app,
    services,
    db,
    tokens,
    projected,
    person: async (login, level, scope = {}) => {
      await ensureUser(db, { login })
      await addMember(db, 'main', login)
      if (level) {
        await giveGrant(db, { scope: { organization: 'main', ...scope }, login, level, grantedBy: 'admin' })
      }
      const made = await createToken(db, { login, name: 'test' })
      return (tokens[login] = made.token.reveal())
    },
    call: async (method, path, { as = 'admin', body, headers = {} } = {}) => {
      const response = await app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...(as !== null && { authorization: `token ${tokens[as] ?? as}` }),
          ...(typeof body === 'object' && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: body }),
      } as InjectOptions)
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.payload,
        json: parse(response.payload),
      }
    },
    close: async () => {
      await app.close()
      await db.destroy()
      await database.drop()
      await rm(folder, { recursive: true })
    },
  }
  await api.person('admin', 'admin')
  return api
}

/** A name for an environment that no other test uses: `project/name`. */
export const freshName = (): string => `p/${randomUUID().slice(0, 8)}`

const unused: Rotations = {
  request: () => Promise.reject(new Error('this test rotates nothing')),
  isKnown: () => Promise.resolve(false),
  wait: () => Promise.reject(new Error('this test rotates nothing')),
}

function recorder(projected: (Schedule | string)[]): ScheduleProjector {
  return {
    sync: async (schedule) => void projected.push(schedule),
    delete: async (id) => void projected.push(id),
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
