/** Opens an environment and turns what the API answers into plain values; knows which of them are secret. */
import type { Diagnostic } from '../model/diagnostic.ts'
import { formatPropertyPath, type PropertyPath } from '../model/property-path.ts'
import { ApiError, type Api } from './api.ts'
import type { Context } from './context.ts'
import { readDefinition } from './definition.ts'
import { showDiagnostics } from './diagnostics.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { Failure } from './failure.ts'
import { rawNumber } from './json.ts'

/** As the ESC API sends it; absent `value` means null. */
export interface WireValue {
  value?: unknown
  secret?: boolean
  unknown?: boolean
}

/** All values of an environment, evaluated, secrets in clear. @throws Failure */
export async function openEnvironment(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  duration?: string,
): Promise<WireValue> {
  try {
    const { json: session } = await api.call<{ id: string; diagnostics?: Diagnostic[] }>(
      'POST',
      `${environment.versionPath}/open`,
      { query: { duration } },
    )
    showDiagnostics(context, session.diagnostics ?? [])
    const { json } = await api.call<{ properties?: Record<string, WireValue> }>(
      'GET',
      `${environment.path}/open/${encodeURIComponent(session.id)}`,
    )
    return { value: json.properties ?? {} }
  } catch (error) {
    if (!(error instanceof ApiError) || error.diagnostics.length === 0) throw error
    const text = await readDefinition(api, environment).then(
      (definition) => definition.text,
      () => undefined,
    )
    showDiagnostics(context, error.diagnostics, { [environment.shortName]: text })
    throw new Failure(`${environment.shortName} cannot be opened, see above`)
  }
}

/** The value at a path. @throws Failure when there is none */
export function valueAt(root: WireValue, path: PropertyPath): WireValue {
  let at: WireValue | undefined = root
  for (const [depth, segment] of path.entries()) {
    const { value }: WireValue = at
    const next: unknown =
      typeof value === 'object' && value !== null && Object.hasOwn(value, segment)
        ? (value as Record<string | number, unknown>)[segment]
        : undefined
    if (next === undefined)
      throw new Failure(`there is no value at ${formatPropertyPath(path.slice(0, depth + 1))}`)
    at = next as WireValue
  }
  return at
}

/** Plain data; numbers may be raw JSON, see `parseJson`. */
export function plainOf({ value, unknown }: WireValue): unknown {
  if (unknown) return '[unknown]'
  if (Array.isArray(value)) return value.map((item) => plainOf(item as WireValue))
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item as WireValue)]))
  return value ?? null
}

/** As text: a scalar as it is, the rest as JSON. */
export function textOf(value: WireValue): string {
  const plain = plainOf(value)
  if (plain === null) return ''
  if (typeof plain === 'string') return plain
  return rawNumber(plain) ?? JSON.stringify(plain)
}

/** The texts of all scalars that are secret or inside something secret. */
export function secretsOf(value: WireValue, within = false): string[] {
  const secret = within || value.secret === true
  if (Array.isArray(value.value)) return value.value.flatMap((item) => secretsOf(item as WireValue, secret))
  if (isObject(value.value))
    return Object.values(value.value).flatMap((item) => secretsOf(item as WireValue, secret))
  return secret ? [textOf(value)] : []
}

/** The scalars under one of the two keys that programs are given, by name. */
export function scalarsUnder(root: WireValue, key: 'environmentVariables' | 'files'): Record<string, string> {
  if (!isObject(root.value) || !Object.hasOwn(root.value, key)) return {}
  const { value } = root.value[key] as WireValue
  if (!isObject(value)) return {}
  const pairs = Object.entries(value as Record<string, WireValue>)
    .filter(
      ([, item]) =>
        (!item.unknown && typeof plainOf(item) !== 'object') || rawNumber(item.value) !== undefined,
    )
    .map(([name, item]) => [name, textOf(item)] as const)
  return Object.fromEntries(pairs)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && rawNumber(value) === undefined
  )
}
