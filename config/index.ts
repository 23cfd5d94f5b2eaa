/** The only reader of the process's environment: one parsed, frozen object. Never logs, never reads files. */
import type { Variable } from './variables.ts'
import { VARIABLES } from './variables.ts'

export { formatDuration, parseDuration } from './duration.ts'
export type { ListenAddress, LogLevel } from './kinds.ts'
export { surroundings, type Surroundings } from './surroundings.ts'
export { readTracing, type TracingSettings } from './tracing.ts'

type Variables = typeof VARIABLES
type Value<V> = V extends { kind: { read(text: string): infer T } }
  ? V extends { default: string }
    ? Exclude<T, undefined>
    : T | undefined
  : never

/** All settings; durations in milliseconds, where 0 means that the limit is off. */
export type Config = Readonly<{ [Key in keyof Variables]: Value<Variables[Key]> }>

/** A setting that cannot be used; the message is one line for the person who started the program. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

type Environment = Readonly<Record<string, string | undefined>>

const entries = Object.entries(VARIABLES) as [keyof Config, Variable<unknown>][]

/**
 * Reads the `REKEY_*` variables of an environment; others are of no interest. An empty variable counts as unset.
 * @throws ConfigError on a malformed or an unknown one.
 */
export function loadConfig(env: Environment): Config {
  const known = new Set<string>(entries.map(([, { name }]) => name))
  const unknown = Object.keys(env).filter((name) => name.startsWith('REKEY_') && !known.has(name))
  if (unknown.length > 0)
    throw new ConfigError(`unknown setting ${unknown.join(', ')}: rekey config lists those that there are`)
  const values = entries.map(([key, variable]) => [key, readVariable(variable, env[variable.name])])
  return Object.freeze(Object.fromEntries(values)) as Config
}

function readVariable(variable: Variable<unknown>, given: string | undefined): unknown {
  const text = given || variable.default
  if (text === undefined) return undefined
  const value = variable.kind.read(text)
  // The value itself stays out of the message: it may be a password in the wrong variable.
  if (value === undefined) throw new ConfigError(`${variable.name} must be ${variable.kind.expects}`)
  return Object.freeze(value)
}

let read: Config | undefined

/** The settings of this process, read once. @throws ConfigError */
export function config(): Config {
  return (read ??= loadConfig(process.env))
}

/** The variables that give a child process these settings: pass nothing else that begins with `REKEY_`. */
export function toEnvironment(settings: Config): Record<string, string> {
  const pairs = entries.flatMap(([key, { name, kind }]) => {
    const value = settings[key]
    return value === undefined ? [] : [[name, kind.write(value)] as const]
  })
  return Object.fromEntries(pairs)
}

/** Environment for a child process: ours without its `REKEY_*` variables, plus those of the settings given. */
export function childEnvironment(settings: Config): Record<string, string> {
  const others = Object.entries(process.env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !pair[0].startsWith('REKEY_'),
  )
  return { ...Object.fromEntries(others), ...toEnvironment(settings) }
}

export interface Setting {
  name: string
  /** As it would be typed, secrets masked; empty when unset. */
  value: string
  /** What holds when the variable is unset; empty when nothing does. */
  default: string
  about: string
}

/** Every setting, for people to read. */
export function describeConfig(settings: Config): Setting[] {
  return entries.map(([key, { name, kind, mask, about, default: fallback = '' }]) => {
    const value = settings[key] === undefined ? '' : kind.write(settings[key])
    return { name, value: value && mask ? mask(value) : value, default: fallback, about }
  })
}
