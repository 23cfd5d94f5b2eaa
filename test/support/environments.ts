/** Environments on a store of their own, with the real rotators and a login provider that counts its calls. */
import { DEFAULT_SETTINGS, type EnvironmentSettings, type Services } from '../../environments/services.ts'
import { createEnvironment } from '../../environments/create.ts'
import { saveDefinition } from '../../environments/save.ts'
import type { Environment as EvaluatedEnvironment, Value } from '../../language/index.ts'
import type { Level } from '../../model/permissions.ts'
import type { AnyLogin } from '../../rotators/logins/login.ts'
import { findRotator } from '../../rotators/index.ts'
import type { Environment } from '../../store/environments.ts'
import { giveGrant } from '../../store/grants.ts'
import { latestRevision, type Revision } from '../../store/revisions.ts'
import { freshStore, type TestStore } from './store.ts'

export interface TestEnvironments {
  store: TestStore
  services: Services
  /** How often the login provider `test-login` was asked. */
  logins(): number
  /** Made by `ada`, in project `app` unless the name says otherwise; with a definition if one is given. */
  make(name: string, text?: string): Promise<Environment>
  /** Saves, by `ada` unless somebody else is named; gives the newest revision then. */
  save(environment: Environment, text: string, login?: string): Promise<Revision>
  newest(environment: Environment): Promise<Revision>
  grant(login: string, level: Level, environment: Environment): Promise<void>
}

export async function testEnvironments(
  settings: Partial<EnvironmentSettings> = {},
): Promise<TestEnvironments> {
  const store = await freshStore()
  let logins = 0
  const login: AnyLogin = {
    name: 'test-login',
    title: 'Test',
    inputs: { type: 'object', properties: { user: { type: 'string' } }, required: ['user'] },
    outputs: {
      type: 'object',
      properties: { user: { type: 'string' }, token: { type: 'string', secret: true } },
      required: ['user', 'token'],
    },
    open: async ({ user }: { user: string }) => {
      logins += 1
      return { outputs: { user, token: `token-of-${user}` } }
    },
  }
  const services: Services = {
    db: store.db,
    keeper: store.keeper,
    findRotator,
    findLogin: (name) => (name === login.name ? login : undefined),
    settings: { ...DEFAULT_SETTINGS, ...settings },
  }
  const newest = async (environment: Environment) => (await latestRevision(store.db, environment.id))!
  const save: TestEnvironments['save'] = async (environment, text, by = 'ada') => {
    await saveDefinition(services, { environment, text, login: by })
    return newest(environment)
  }
  return {
    store,
    services,
    logins: () => logins,
    newest,
    save,
    make: async (name, text) => {
      const [project, short] = name.includes('/') ? (name.split('/') as [string, string]) : ['app', name]
      const environment = await createEnvironment(services, {
        organization: 'acme',
        project,
        name: short,
        login: 'ada',
      })
      if (text !== undefined) await save(environment, text)
      return environment
    },
    grant: (login, level, { organization, project, id }) =>
      giveGrant(store.db, {
        scope: { organization, project, environmentId: id },
        login,
        level,
        grantedBy: 'ada',
      }),
  }
}

export interface TestCredential {
  username: string
  password: string
}

/** A `fn::rotate::postgres` call as people write it, indented by `indent`. No connection is ever made to its host. */
export function rotateCall(
  options: {
    host?: string
    users?: [string, string]
    managing?: string
    state?: { current: TestCredential; previous?: TestCredential }
    /** Writes passwords of the state without `fn::secret`. */
    clear?: boolean
  } = {},
): string {
  const {
    host = 'db.example',
    users = ['app_a', 'app_b'],
    managing = 'manager',
    state,
    clear = false,
  } = options
  const credential = ({ username, password }: TestCredential) =>
    `{ username: ${username}, password: ${clear ? password : `{ fn::secret: ${password} }`} }`
  return [
    'fn::rotate::postgres:',
    '  inputs:',
    '    database:',
    '      database: app',
    `      host: ${host}`,
    `      managingUser: { username: ${managing}, password: { fn::secret: manage-it } }`,
    `    rotateUsers: { username1: ${users[0]}, username2: ${users[1]} }`,
    ...(state ? ['  state:', `    current: ${credential(state.current)}`] : []),
    ...(state?.previous ? [`    previous: ${credential(state.previous)}`] : []),
  ].join('\n')
}

/** An evaluated environment of which only the values matter. */
export function withProperties(properties: Record<string, Value>): EvaluatedEnvironment {
  return { exprs: {}, properties, schema: true, executionContext: { properties: {}, schema: true } }
}

/** `{ a: 'x: 1' }` as a definition whose value `a` is that YAML. */
export function definition(values: Record<string, string>, imports: string[] = []): string {
  const lines = Object.entries(values).flatMap(([key, yaml]) =>
    yaml.includes('\n')
      ? [`  ${key}:`, ...yaml.split('\n').map((line) => `    ${line}`)]
      : [`  ${key}: ${yaml}`],
  )
  const head = imports.length > 0 ? [`imports: [${imports.join(', ')}]`] : []
  return [...head, 'values:', ...lines, ''].join('\n')
}
