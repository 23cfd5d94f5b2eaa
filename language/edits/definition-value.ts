/** Definition text as data, and what a value must look like as definition text to mean the same when read back. */
import { dataText } from '../encoding/data-text.ts'
import { sameDecimal } from '../plain-value.ts'
import { yamlNumberText } from '../syntax/number-text.ts'
import { isObjectValue, JsonNumber, setEntry, type Value } from '../value.ts'

/** A definition's text as data: strings are definition text, so `${…}` in them refers and `$$` is one `$`. */
export type DefinitionValue =
  null | boolean | number | JsonNumber | string | DefinitionValue[] | { [key: string]: DefinitionValue }

export function isDefinitionObject(value: DefinitionValue): value is { [key: string]: DefinitionValue } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
  )
}

/** The definition that evaluates to the value, secrets as `fn::secret`. What is unknown becomes null. */
export function definitionOf(value: Value): DefinitionValue {
  if (value.unknown) return null
  if (value.secret) return secretDefinition(value)
  const data = value.value
  if (typeof data === 'string') return literalText(data)
  if (data instanceof JsonNumber) return numberDefinition(data)
  if (Array.isArray(data)) return data.map(definitionOf)
  if (!isObjectValue(data)) return data
  const properties: { [key: string]: DefinitionValue } = {}
  for (const [key, item] of Object.entries(data)) setEntry(properties, literalText(key), definitionOf(item))
  return escapedCall(properties, value)
}

/** A text that, read as definition text, is `text` again. */
export function literalText(text: string): string {
  return text.replace(/\$+(\{?)/g, (run: string, brace: string) => {
    const dollars = run.slice(0, run.length - brace.length)
    return dollars.length === 1 && brace === '' ? run : `${dollars}${dollars}${brace}`
  })
}

/**
 * A secret string as it is. Where `$` would mean something in clear but not once it is sealed, and for everything
 * that is no string, the JSON of it, which reads the same in clear and sealed.
 */
function secretDefinition(value: Value): DefinitionValue {
  const { value: data } = value
  if (typeof data === 'string' && literalText(data) === data) return { 'fn::secret': data }
  return { 'fn::fromJSON': { 'fn::secret': dataText(revealed(value)).replaceAll('$', '\\u0024') } }
}

function revealed({ value }: Value): unknown {
  if (Array.isArray(value)) return value.map(revealed)
  if (!isObjectValue(value)) return value
  const properties: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) setEntry(properties, key, revealed(item))
  return properties
}

// some numbers are not numbers to YAML, or other ones
function numberDefinition(number: JsonNumber): DefinitionValue {
  const read = yamlNumberText(number.text)
  return read !== undefined && sameDecimal(read, number.text) ? number : { 'fn::fromJSON': number.text }
}

// an object that happens to look like a call must not become one
function escapedCall(properties: { [key: string]: DefinitionValue }, value: Value): DefinitionValue {
  if (!Object.keys(properties).some((key) => key.toLowerCase().startsWith('fn::'))) return properties
  if (containsSecret(value)) return { 'fn::fromJSON': { 'fn::secret': jsonWithoutDollars(value) } }
  return { 'fn::fromJSON': jsonWithoutDollars(value) }
}

function jsonWithoutDollars(value: Value): string {
  return dataText(revealed(value)).replaceAll('$', '\\u0024')
}

function containsSecret({ secret, value }: Value): boolean {
  if (secret) return true
  if (Array.isArray(value)) return value.some(containsSecret)
  return isObjectValue(value) && Object.values(value).some(containsSecret)
}
