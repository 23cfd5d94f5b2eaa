/** What a scalar's text means: null, boolean, number or string. */
import { decodeBase64 } from '../encoding/base64.ts'
import { floatText, isIntegerText, yamlNumberText } from './number-text.ts'

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

const INTEGER_TAG = 'tag:yaml.org,2002:int'
const BINARY_TAG = 'tag:yaml.org,2002:binary'
const FLOAT_TAG = 'tag:yaml.org,2002:float'

const STANDARD_TAGS: Record<string, TypedScalar['kind']> = {
  'tag:yaml.org,2002:null': 'null',
  'tag:yaml.org,2002:bool': 'boolean',
  [INTEGER_TAG]: 'number',
  [FLOAT_TAG]: 'number',
}

/**
 * The type of a scalar that carries a tag, or a text that says why the tag does not fit. Tags other than the four
 * above make a string.
 */
export function typeTaggedScalar(text: string, tag: string): TypedScalar | string {
  if (tag === BINARY_TAG && typeof decodeBase64(text.replaceAll(/[ \t]/g, '')) === 'string') {
    return 'yaml: !!binary value contains invalid base64 data'
  }
  const wanted = STANDARD_TAGS[tag]
  if (wanted === undefined) return { kind: 'string', value: text }
  const typed = typePlainScalar(text)
  if (typed.kind === 'number' && tag === INTEGER_TAG && !isIntegerText(text)) return misfit(tag)
  // an integer that is tagged as a float reads as one, exponents included
  if (typed.kind === 'number' && tag === FLOAT_TAG) return { kind: 'number', value: floatText(typed.value) }
  if (typed.kind === wanted) return typed
  return misfit(tag)
}

function misfit(tag: string): string {
  return `cannot decode this text as !!${tag.slice(tag.lastIndexOf(':') + 1)}`
}
