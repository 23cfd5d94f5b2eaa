/** What a command works with: settings, streams, the API. Everything comes in here, so that tests can give their own. */
import type { Readable, Writable } from 'node:stream'
import { config, loadConfig, surroundings, type Config, type Surroundings } from '../config/index.ts'
import { openApi, type Api } from './api.ts'
import { readLogin } from './stored-login.ts'
import { Failure } from './failure.ts'

export interface Terminal {
  input: Readable & { isTTY?: boolean }
  output: Writable & { isTTY?: boolean; columns?: number }
  errors: Writable & { isTTY?: boolean; columns?: number; rows?: number }
}

export interface Context extends Terminal {
  /** @throws ConfigError */
  settings(): Config
  surroundings: Surroundings
  /** The API as the person who is logged in. @throws Failure when nobody is. */
  api(signal?: AbortSignal): Api
  /** Fires on Ctrl-C and the like; its reason is the name of the system's signal. */
  signal: AbortSignal
}

const LOCAL_URL = 'http://127.0.0.1:8790'

export function createContext(
  terminal: Terminal,
  signal: AbortSignal,
  environment?: Record<string, string>,
): Context {
  const settings = () => (environment ? loadConfig(environment) : config())
  const around = surroundings(environment)
  const api = (within = signal) => {
    const { url: givenUrl, token: givenToken, org } = settings()
    const stored = readLogin(around.configHome)
    const url = givenUrl ?? stored?.url ?? LOCAL_URL
    // A stored token goes to the server that it is for and to no other.
    const token = givenToken ?? (stored?.url === url ? stored.token : undefined)
    if (token === undefined)
      throw new Failure(
        `you are not logged in at ${url}: run "rekey login ${url}", or set REKEY_URL and REKEY_TOKEN`,
      )
    return openApi({ url, token, organization: org ?? stored?.organization, signal: within })
  }
  return { ...terminal, settings, surroundings: around, api, signal }
}
