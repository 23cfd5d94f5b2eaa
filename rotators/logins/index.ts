/** The registry of login providers: one line each. Nothing but the list. */
import { awsLogin } from './aws-login.ts'
import type { AnyLogin } from './login.ts'

const LOGINS: AnyLogin[] = [awsLogin]

const byName = new Map(LOGINS.map((login) => [login.name, login]))

export function loginNames(): string[] {
  return [...byName.keys()].sort()
}

export function findLogin(name: string): AnyLogin | undefined {
  return byName.get(name)
}
