/** Does a known value fit a schema? Unknown parts are checked by what is known of their schemas. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { Diagnostic } from '../diagnostic.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { quote } from '../encoding/quote.ts'
import { JsonNumber } from '../value.ts'
import { definitionsOf, referenced, type Definitions } from './definitions.ts'
import { Issues } from './issues.ts'
import { dataText } from '../encoding/data-text.ts'
import { checkNumber, checkString, count } from './validate-scalar.ts'
import { validateSchema } from './validate-schema.ts'

/** Counts the work; may throw to end it. */
export type Spend = (steps: number) => void

/** What does not fit, each at the place where the offending value is defined. */
export function validateValue(value: EvaluatedValue, schema: Schema, spend: Spend): Diagnostic[] {
  if (schema === true) return []
  const issues = new Issues(value.def)
  new ValueValidator(definitionsOf(schema), spend).check(value, schema, issues)
  return issues.diagnostics
}

// other implementations say nothing here, and leave a call unknown for no visible reason
const NOTHING_FITS = 'no value is allowed here'

class ValueValidator {
  readonly #definitions: Definitions
  readonly #spend: Spend
  readonly #following = new Map<JSONSchema, EvaluatedValue>()

  constructor(definitions: Definitions, spend: Spend) {
    this.#definitions = definitions
    this.#spend = spend
  }

  check(value: EvaluatedValue, schema: Schema | undefined, issues: Issues): void {
    if (schema === undefined || schema === true) return
    this.#spend(1)
    if (schema === false) {
      issues.add(NOTHING_FITS)
    } else if (value.unknown) {
      validateSchema(value.schema, schema, this.#definitions, issues, this.#spend)
    } else {
      this.#reference(value, schema, issues)
      this.#anyOf(value, schema, issues)
      this.#oneOf(value, schema, issues)
      checkConstants(value, schema, issues, this.#spend)
      this.#type(value, schema, issues)
    }
  }

  // a definition that refers to itself says nothing more about the same value the second time
  #reference(value: EvaluatedValue, schema: JSONSchema, issues: Issues): void {
    const target = referenced(schema, this.#definitions)
    const outer = this.#following.get(schema)
    if (target === undefined || outer === value) return
    this.#following.set(schema, value)
    this.check(value, target, issues)
    if (outer) this.#following.set(schema, outer)
    else this.#following.delete(schema)
  }

  #anyOf(value: EvaluatedValue, { anyOf }: JSONSchema, issues: Issues): void {
    if (!anyOf?.length) return
    const branches = this.#branches(value, anyOf, issues)
    if (branches.some((branch) => branch.none)) return
    for (const branch of branches) issues.take(branch)
    issues.add('at least one subschema must match')
  }

  #oneOf(value: EvaluatedValue, { oneOf }: JSONSchema, issues: Issues): void {
    if (!oneOf?.length) return
    const branches = this.#branches(value, oneOf, issues)
    const matching = branches.filter((branch) => branch.none).length
    if (matching === 1) return
    if (matching > 1) {
      issues.add('exactly one subschema may match')
      return
    }
    for (const branch of branches) issues.take(branch)
    issues.add('exactly one subschema must match')
  }

  #branches(value: EvaluatedValue, schemas: Schema[], issues: Issues): Issues[] {
    return schemas.map((schema) => {
      const branch = issues.branch()
      this.check(value, schema, branch)
      return branch
    })
  }

  #type(value: EvaluatedValue, schema: JSONSchema, issues: Issues): void {
    const type = typeName(value)
    if (schema.type && schema.type !== type) {
      issues.add(`expected ${schema.type}, got ${type}`)
      return
    }
    if (value.repr instanceof JsonNumber) checkNumber(value.repr, schema, issues)
    else if (typeof value.repr === 'string') checkString(value.repr, schema, issues, this.#spend)
    else if (value.array) this.#array(value.array, schema, issues)
    else if (value.object) this.#object(value, schema, issues)
  }

  #array(items: readonly EvaluatedValue[], schema: JSONSchema, issues: Issues): void {
    if (schema.minItems !== undefined && items.length < count(schema.minItems)) {
      issues.add(`expected an array with at least ${count(schema.minItems)} items`)
    }
    if (schema.maxItems !== undefined && items.length > count(schema.maxItems)) {
      issues.add(`expected an array with at most ${count(schema.maxItems)} items`)
    }
    for (const [index, item] of items.entries()) {
      this.#inner(item, schema.prefixItems?.[index] ?? schema.items, issues)
    }
  }

  #object(value: EvaluatedValue, schema: JSONSchema, issues: Issues): void {
    const { keys } = value
    if (schema.minProperties !== undefined && keys.length < count(schema.minProperties)) {
      issues.add(`expected an object with at least ${count(schema.minProperties)} properties`)
    }
    if (schema.maxProperties !== undefined && keys.length > count(schema.maxProperties)) {
      issues.add(`expected an object with at most ${count(schema.maxProperties)} properties`)
    }
    const { properties = {}, additionalProperties } = schema
    for (const key of keys) {
      const known = Object.hasOwn(properties, key) ? properties[key] : additionalProperties
      const property = value.property(key)!
      const refusal = value.secret ? NOTHING_FITS : `property ${quote(key)} is not allowed`
      this.#inner(property, known, issues, refusal)
    }
    const missing = missingProperties(schema, new Set(keys))
    if (missing.length > 0) issues.add(`missing required properties: ${missing.join(', ')}`)
  }

  #inner(value: EvaluatedValue, schema: Schema | undefined, issues: Issues, refusal = NOTHING_FITS): void {
    const inner = new Issues(value.def)
    if (schema === false) inner.add(refusal)
    else this.check(value, schema, inner)
    issues.take(inner)
  }
}

function missingProperties(schema: JSONSchema, keys: ReadonlySet<string>): string[] {
  const missing = (schema.required ?? []).filter((key) => !keys.has(key))
  for (const [key, needed] of Object.entries(schema.dependentRequired ?? {})) {
    if (keys.has(key)) missing.push(...needed.filter((other) => !keys.has(other)))
  }
  return missing
}

function checkConstants(value: EvaluatedValue, schema: JSONSchema, issues: Issues, spend: Spend): void {
  const { const: constant, enum: choices = [] } = schema
  // a constant null is never enforced
  if (constant !== undefined && constant !== null && !equals(value, constant)) {
    issues.add(`expected ${dataText(constant)}`)
  }
  spend(choices.length / 10)
  if (choices.length === 0 || choices.some((choice) => equals(value, choice))) return
  if (choices.length === 1) issues.add(`expected ${dataText(choices[0])}`)
  else issues.add(`expected one of ${dataText(choices)}`)
}

/** Numbers are equal when their texts are. */
function equals(value: EvaluatedValue, constant: unknown): boolean {
  if (value.repr instanceof JsonNumber) {
    if (constant instanceof JsonNumber) return value.repr.text === constant.text
    return typeof constant === 'number' && value.repr.text === String(constant)
  }
  if (value.array) {
    const { array } = value
    if (!Array.isArray(constant) || constant.length !== array.length) return false
    return array.every((item, index) => equals(item, constant[index]))
  }
  if (value.object) {
    if (typeof constant !== 'object' || constant === null || Array.isArray(constant)) return false
    const entries = Object.entries(constant)
    const { object } = value
    // own properties only: what is inherited does not take part in a comparison
    return (
      entries.length === object.size &&
      entries.every(([key, inner]) => {
        const property = object.get(key)
        return property !== undefined && equals(property, inner)
      })
    )
  }
  return value.repr === constant
}

export function typeName(value: EvaluatedValue): string {
  if (value.repr === null) return 'null'
  if (value.array) return 'array'
  if (value.object) return 'object'
  return value.repr instanceof JsonNumber ? 'number' : typeof value.repr
}
