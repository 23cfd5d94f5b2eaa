/** What working with environments takes; each program puts it together once. */
import type { AnyLogin } from '../rotators/logins/login.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import type { Database } from '../store/database.ts'
import type { Keeper } from '../store/seal.ts'
import type { OidcSettings } from './oidc/settings.ts'

export interface Services {
  db: Database
  keeper: Keeper
  findRotator(name: string): AnyRotator | undefined
  findLogin(name: string): AnyLogin | undefined
  settings: EnvironmentSettings
  /** Absent: Rekey is no OpenID provider. */
  oidc?: OidcSettings
}

export interface EnvironmentSettings {
  /** Bytes of a definition's text. */
  maxDefinitionSize: number
  /** Milliseconds that an opened environment may be read at most. */
  maxSessionDuration: number
  /** Sessions whose values a process keeps in memory; others are evaluated again when they are read. */
  cachedSessions: number
  /** Milliseconds for one login provider. */
  loginTimeout: number
}

export const DEFAULT_SETTINGS: EnvironmentSettings = {
  maxDefinitionSize: 1024 * 1024,
  maxSessionDuration: 7 * 24 * 3600_000,
  cachedSessions: 200,
  loginTimeout: 10_000,
}
