/** What a scalar's text means: null, boolean, number or string. */
import { yamlNumberText } from './number-text.ts'

export type TypedScalar =
  | { kind: 'null' }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'number'; value: string }
  | { kind: 'string'; value: string }

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL'])
const BOOLEANS = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
])

/** The type of an untagged plain scalar. `yes`, `on` and dates are strings. */
export function typePlainScalar(text: string): TypedScalar {
  if (NULLS.has(text)) return { kind: 'null' }
  const boolean = BOOLEANS.get(text)
  if (boolean !== undefined) return { kind: 'boolean', value: boolean }
  const number = yamlNumberText(text)
  return number === undefined ? { kind: 'string', value: text } : { kind: 'number', value: number }
}

const STANDARD_TAGS: Record<string, TypedScalar['kind']> = {
  'tag:yaml.org,2002:null': 'null',
  'tag:yaml.org,2002:bool': 'boolean',
  'tag:yaml.org,2002:int': 'number',
  'tag:yaml.org,2002:float': 'number',
}

/**
 * The type of a scalar that carries a tag, or a text that says why the tag does not fit. Tags other than the four
 * above make a string.
 */
export function typeTaggedScalar(text: string, tag: string): TypedScalar | string {
  const wanted = STANDARD_TAGS[tag]
  if (wanted === undefined) return { kind: 'string', value: text }
  const typed = typePlainScalar(text)
  if (typed.kind === wanted) return typed
  return `cannot decode this text as !!${tag.slice(tag.lastIndexOf(':') + 1)}`
}
