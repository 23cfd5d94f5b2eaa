/** What every chapter about the PostgreSQL users works with: the stage, the environments, and questions to the database itself. */
import type { Aws } from './aws.ts'
import { openAll } from './commands.ts'
import type { Stage } from './stage.ts'
import type { Login, Target } from './target.ts'
import type { Teller } from './teller.ts'

export interface Scene {
  teller: Teller
  stage: Stage
  target: Target
  aws: Aws
  /** What Rekey is called as an OpenID provider. */
  issuer: string
  url: string
  temporalUrl: string
  signal: AbortSignal
}

/** Two users take turns. */
export interface State {
  current: Login
  previous?: Login
}

/** Rotated by hand. */
export const APP = 'shop/production'
/** Rotated by its schedule alone. */
export const NIGHTLY = 'shop/nightly'
/** With two credentials, one of which fails once. */
export const REPORTS = 'shop/back-office'

export async function atDatabase(target: Target, teller: Teller, sql: string): Promise<void> {
  teller.show(`${sql.replace(/password '.*'/, "password '…'")};`)
  await target.asOwner(sql)
}

export async function opened(stage: Stage, name: string): Promise<State> {
  return (await openAll(stage, name))['database'] as State
}

export async function works(target: Target, login: Login): Promise<boolean> {
  return (await target.logIn(login)) === login.username
}

export function same(a: Login | undefined, b: Login): boolean {
  return a?.username === b.username && a.password === b.password
}
