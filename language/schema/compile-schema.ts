/** What makes a schema unusable: references that lead nowhere, patterns that are none, counts that count nothing. */
import { RE2JS } from 're2js'
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { JsonNumber } from '../value.ts'

const REFERENCE = '#/$defs/'
const COUNTS = ['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties'] as const
const PATTERNS = 256

const patterns = new Map<string, RE2JS>()

/** The compiled pattern; the last ones are kept. @throws when it is none */
export function patternOf(pattern: string): RE2JS {
  const known = patterns.get(pattern)
  if (known) return known
  const compiled = RE2JS.compile(pattern)
  for (const oldest of patterns.keys()) {
    if (patterns.size < PATTERNS) break
    patterns.delete(oldest)
  }
  patterns.set(pattern, compiled)
  return compiled
}

// providers give the same schema each time
const problems = new WeakMap<JSONSchema, string | null>()

/** What is wrong with a schema, or undefined. */
export function schemaProblem(schema: Schema): string | undefined {
  if (typeof schema === 'boolean') return undefined
  const known = problems.get(schema)
  if (known !== undefined) return known ?? undefined
  const problem = new Compiler(schema).check(schema)
  problems.set(schema, problem ?? null)
  return problem
}

class Compiler {
  readonly #definitions: Readonly<Record<string, Schema>>
  readonly #seen = new Set<JSONSchema>()

  constructor({ $defs }: JSONSchema) {
    this.#definitions = $defs ?? {}
  }

  /** Definitions that nothing refers to are not looked at. */
  check(schema: Schema | undefined): string | undefined {
    if (schema === undefined || typeof schema === 'boolean' || this.#seen.has(schema)) return undefined
    this.#seen.add(schema)
    if (schema.$ref) {
      const name = definitionName(schema.$ref)
      if (typeof name !== 'string') return name.problem
      if (!Object.hasOwn(this.#definitions, name)) return `unknown subschema ${schema.$ref}`
      const problem = this.check(this.#definitions[name])
      if (problem !== undefined) return problem
    }
    const { anyOf = [], oneOf = [], prefixItems = [], items, additionalProperties, properties = {} } = schema
    const parts = [...anyOf, ...oneOf, ...prefixItems, items, additionalProperties]
    for (const part of [...parts, ...Object.values(properties)]) {
      const problem = this.check(part)
      if (problem !== undefined) return problem
    }
    return keywordProblem(schema)
  }
}

function keywordProblem(schema: JSONSchema): string | undefined {
  for (const keyword of COUNTS) {
    const given = schema[keyword] as number | JsonNumber | undefined
    const text = typeof given === 'object' ? given.text : String(given ?? 0)
    if (!/^\d+$/.test(text)) return `strconv.ParseUint: parsing "${text}": invalid syntax`
  }
  try {
    if (schema.pattern) patternOf(schema.pattern)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The name of the definition that a `$ref` names, or why it names none. */
export function definitionName(reference: string): string | { problem: string } {
  const name = reference.startsWith(REFERENCE) ? reference.slice(REFERENCE.length) : '/'
  if (name.includes('/')) {
    return { problem: 'only fragment references of the form #/$defs/ref are supported' }
  }
  try {
    return decodeURIComponent(name)
  } catch {
    const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(name)?.[0] ?? name
    return { problem: `invalid URL escape "${escape}"` }
  }
}
