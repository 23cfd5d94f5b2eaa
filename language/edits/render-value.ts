/** Data as YAML text: on one line in flow style, or as a block at a column. */
import { jsonNumberText } from '../encoding/json-number.ts'
import type { ScalarStyle } from '../syntax/node.ts'
import { JsonNumber } from '../value.ts'
import { isDefinitionObject, type DefinitionValue } from './definition-value.ts'
import { fitsLiteral, literalBlock, renderKey, renderString } from './render-scalar.ts'

export interface BlockOptions {
  eol: string
  step: number
  /** False where something follows on the last line, which a literal block would swallow. */
  literals: boolean
}

export function isCollection(
  value: DefinitionValue,
): value is DefinitionValue[] | { [key: string]: DefinitionValue } {
  return Array.isArray(value) || isDefinitionObject(value)
}

export function isEmptyCollection(value: DefinitionValue): boolean {
  if (Array.isArray(value)) return value.length === 0
  return isDefinitionObject(value) && Object.keys(value).length === 0
}

export function flowText(value: DefinitionValue, preferred?: ScalarStyle): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item)).join(', ')}]`
  if (!isDefinitionObject(value)) return scalarText(value, true, preferred)
  return `{${Object.entries(value)
    .map(([key, item]) => flowEntry(key, item))
    .join(', ')}}`
}

export function flowEntry(key: string, value: DefinitionValue): string {
  return `${renderKey(key, true)}: ${flowText(value)}`
}

/** `key: value`, the key at `column`; the first line is not indented. */
export function blockEntry(
  key: string,
  value: DefinitionValue,
  column: number,
  options: BlockOptions,
): string {
  return `${renderKey(key, false)}:${afterColon(value, column, options)}`
}

/** What follows the colon of a key at `column`. */
export function afterColon(value: DefinitionValue, column: number, options: BlockOptions): string {
  if (!isCollection(value) || isEmptyCollection(value)) return ` ${blockScalar(value, column, options)}`
  const inner = column + options.step
  return `${options.eol}${' '.repeat(inner)}${blockCollection(value, inner, options)}`
}

/** A collection with its keys or dashes at `column`; the first line is not indented. */
export function blockCollection(value: DefinitionValue, column: number, options: BlockOptions): string {
  const separator = `${options.eol}${' '.repeat(column)}`
  if (Array.isArray(value)) {
    return value.map((item) => `- ${afterDash(item, column, options)}`).join(separator)
  }
  const entries = isDefinitionObject(value) ? Object.entries(value) : []
  return entries.map(([key, item]) => blockEntry(key, item, column, options)).join(separator)
}

/** What follows the dash at `column`, and a space. */
export function afterDash(value: DefinitionValue, column: number, options: BlockOptions): string {
  if (isCollection(value) && !isEmptyCollection(value)) return blockCollection(value, column + 2, options)
  return blockScalar(value, column, options)
}

/** A scalar or an empty collection as the value of a key or dash at `column`. */
export function blockScalar(
  value: DefinitionValue,
  column: number,
  options: BlockOptions,
  preferred?: ScalarStyle,
): string {
  if (options.literals && typeof value === 'string' && fitsLiteral(value)) {
    return literalBlock(value, ' '.repeat(column + options.step), options.eol)
  }
  return isCollection(value) ? flowText(value) : scalarText(value, false, preferred)
}

function scalarText(
  value: null | boolean | number | JsonNumber | string,
  flow: boolean,
  preferred?: ScalarStyle,
): string {
  if (typeof value === 'string') return renderString(value, flow, preferred)
  if (value instanceof JsonNumber) return jsonNumberText(value)
  return String(value)
}
