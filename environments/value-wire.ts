/** One property of an opened environment, found by its path, as JSON text with every number's own digits. */
import { JsonNumber, type Environment, type Value } from '../language/index.ts'
import { parsePropertyPath, PropertyPathError, type PropertyPath } from '../model/property-path.ts'
import { Refusal } from '../model/refusal.ts'

/** @throws Refusal invalid (the path), not-found */
export function propertyWire(environment: Environment | null, path: string): string {
  const root: Value = { value: environment?.properties ?? {} }
  const found = parse(path).reduce<Value | undefined>(child, root)
  if (!found) throw new Refusal('not-found', `there is no property ${path}`)
  return valueWire(found)
}

function parse(path: string): PropertyPath {
  try {
    return parsePropertyPath(path)
  } catch (error) {
    if (error instanceof PropertyPathError) throw new Refusal('invalid', error.message)
    throw error
  }
}

function child(value: Value | undefined, key: string | number): Value | undefined {
  const content = value?.value
  if (Array.isArray(content)) return typeof key === 'number' ? content[key] : undefined
  if (typeof content !== 'object' || content === null || content instanceof JsonNumber) return undefined
  return typeof key === 'string' && Object.hasOwn(content, key) ? content[key] : undefined
}

/** `{"value", "secret"?, "unknown"?, "trace"}`; a null has no `value`. */
export function valueWire({ value, secret, unknown, trace }: Value): string {
  const parts: string[] = []
  if (value !== null) parts.push(`"value":${contentWire(value)}`)
  if (secret) parts.push('"secret":true')
  if (unknown) parts.push('"unknown":true')
  const { def, base } = trace ?? {}
  const places = [
    ...(def ? [`"def":${JSON.stringify(def)}`] : []),
    ...(base ? [`"base":${valueWire(base)}`] : []),
  ]
  parts.push(`"trace":{${places.join(',')}}`)
  return `{${parts.join(',')}}`
}

function contentWire(content: Exclude<Value['value'], null>): string {
  if (content instanceof JsonNumber) return content.text
  if (Array.isArray(content)) return `[${content.map(valueWire).join(',')}]`
  if (typeof content === 'object')
    return `{${Object.entries(content)
      .map(([key, part]) => `${JSON.stringify(key)}:${valueWire(part)}`)
      .join(',')}}`
  return JSON.stringify(content)
}
