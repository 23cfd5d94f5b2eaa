/** Do a text and some data say the same? Compares what was written, not what it evaluates to. */
import { compareKeys } from '../encoding/order.ts'
import type { SyntaxNode } from '../syntax/node.ts'
import { yamlNumberText } from '../syntax/number-text.ts'
import { JsonNumber } from '../value.ts'
import { isDefinitionObject, type DefinitionValue } from './definition-value.ts'

/** True for equal scalars and for two empty collections of a kind. */
export function sameScalar(node: SyntaxNode, wanted: DefinitionValue): boolean {
  switch (node.kind) {
    case 'null':
      return wanted === null
    case 'boolean':
    case 'string':
      return node.value === wanted
    case 'number':
      return numberText(wanted) === node.value
    case 'array':
      return Array.isArray(wanted) && node.items.length === 0 && wanted.length === 0
    case 'object':
      return isDefinitionObject(wanted) && node.entries.length === 0 && Object.keys(wanted).length === 0
  }
}

/** A text that is the same for two trees that say the same, whatever their layout and the order of their keys. */
export function canonical(node: SyntaxNode | null): string {
  if (!node) return '{}'
  switch (node.kind) {
    case 'null':
      return 'null'
    case 'boolean':
      return String(node.value)
    case 'number':
      return `#${node.value}`
    case 'string':
      return JSON.stringify(node.value)
    case 'array':
      return `[${node.items.map(canonical).join(',')}]`
    case 'object':
      return joined(node.entries.map(({ key, value }) => [key.value, canonical(value)] as const))
  }
}

export function canonicalDefinition(value: DefinitionValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalDefinition).join(',')}]`
  if (isDefinitionObject(value)) {
    return joined(Object.entries(value).map(([key, item]) => [key, canonicalDefinition(item)] as const))
  }
  const number = numberText(value)
  return number === undefined ? JSON.stringify(value) : `#${number}`
}

function numberText(value: DefinitionValue): string | undefined {
  if (typeof value === 'number') return yamlNumberText(String(value))
  return value instanceof JsonNumber ? yamlNumberText(value.text) : undefined
}

function joined(entries: (readonly [string, string])[]): string {
  const ordered = entries.sort(([a], [b]) => compareKeys(a, b))
  return `{${ordered.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}
