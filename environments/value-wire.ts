/** Evaluated environments and their properties as JSON text, with every number's own digits. */
import { isObjectValue, toWire, valueToWire, type Environment, type Value } from '../language/index.ts'
import { parsePropertyPath, PropertyPathError, type PropertyPath } from '../model/property-path.ts'
import { Refusal } from '../model/refusal.ts'

/** What has no values at all is an empty object to clients, not a null. @throws Refusal invalid */
export function environmentWire(environment: Environment | null): string {
  return environment === null ? '{}' : written(() => toWire(environment))
}

/** Infinities are values that JSON has no words for, and some small definitions would be huge written out. */
function written(write: () => string): string {
  try {
    return write()
  } catch (error) {
    if (error instanceof RangeError)
      throw new Refusal('invalid', `the values cannot be sent: ${error.message}`)
    throw error
  }
}

/** @throws Refusal invalid (the path), not-found */
export function propertyWire(environment: Environment | null, path: string): string {
  const root: Value = { value: environment?.properties ?? {} }
  const found = parse(path).reduce<Value | undefined>(child, root)
  if (!found) throw new Refusal('not-found', `there is no property ${path}`)
  return written(() => valueToWire(found))
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
  if (content === undefined || !isObjectValue(content)) return undefined
  return typeof key === 'string' && Object.hasOwn(content, key) ? content[key] : undefined
}
