/** Could a value of which only the schema is known fit another schema? */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import { definitionsOf, referenced, type Definitions } from './definitions.ts'
import type { Issues } from './issues.ts'

// definitions may refer to themselves on both sides
const MAX_DEPTH = 64

export function validateSchema(
  known: Schema,
  accepted: Schema | undefined,
  definitions: Definitions,
  issues: Issues,
  spend: (steps: number) => void,
): void {
  new SchemaValidator(definitions, definitionsOf(known), spend).check(known, accepted, issues, 0)
}

class SchemaValidator {
  readonly #accepted: Definitions
  readonly #known: Definitions
  readonly #spend: (steps: number) => void

  constructor(accepted: Definitions, known: Definitions, spend: (steps: number) => void) {
    this.#accepted = accepted
    this.#known = known
    this.#spend = spend
  }

  check(known: Schema | undefined, accepted: Schema | undefined, issues: Issues, depth: number): void {
    if (accepted === undefined || accepted === true || depth > MAX_DEPTH) return
    this.#spend(1)
    if (accepted !== false && (known === undefined || known === true)) return
    if (accepted === false || known === undefined || typeof known === 'boolean') {
      issues.add('no value is allowed here')
      return
    }
    const target = referenced(accepted, this.#accepted)
    if (target !== undefined) this.check(known, target, issues, depth + 1)
    const source = referenced(known, this.#known)
    if (source !== undefined) this.check(source, accepted, issues, depth + 1)
    for (const branches of [known.anyOf, known.oneOf]) {
      this.#any(branches, issues, (branch, branchIssues) =>
        this.check(branch, accepted, branchIssues, depth + 1),
      )
    }
    if (known.type && accepted.type && known.type !== accepted.type) {
      issues.add(`expected ${accepted.type}, got ${known.type}`)
    }
    for (const branches of [accepted.anyOf, accepted.oneOf]) {
      this.#any(branches, issues, (branch, branchIssues) =>
        this.check(known, branch, branchIssues, depth + 1),
      )
    }
    if (known.type === 'array') this.#array(known, accepted, issues, depth)
    if (known.type === 'object') this.#object(known, accepted, issues, depth)
  }

  #any(
    branches: Schema[] | undefined,
    issues: Issues,
    check: (branch: Schema, branchIssues: Issues) => void,
  ): void {
    if (!branches?.length) return
    const results = branches.map((branch) => {
      const branchIssues = issues.branch()
      check(branch, branchIssues)
      return branchIssues
    })
    if (results.some((result) => result.none)) return
    for (const result of results) issues.take(result)
    issues.add('at least one subschema must match')
  }

  #array(known: JSONSchema, accepted: JSONSchema, issues: Issues, depth: number): void {
    const length = Math.max(known.prefixItems?.length ?? 0, accepted.prefixItems?.length ?? 0)
    for (let index = 0; index < length; index += 1) {
      const item = known.prefixItems?.[index] ?? known.items
      const inner = issues.within(index)
      this.check(item, accepted.prefixItems?.[index] ?? accepted.items, inner, depth + 1)
      issues.take(inner)
    }
    if (known.items !== undefined && known.items !== false)
      this.check(known.items, accepted.items, issues, depth + 1)
  }

  #object(known: JSONSchema, accepted: JSONSchema, issues: Issues, depth: number): void {
    for (const [name, schema] of Object.entries(known.properties ?? {})) {
      const { properties = {}, additionalProperties } = accepted
      const inner = issues.within(name)
      const expected = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
      this.check(schema, expected, inner, depth + 1)
      issues.take(inner)
    }
    const { additionalProperties } = known
    if (additionalProperties === undefined) {
      const present = new Set(known.required)
      const needed = [...(accepted.required ?? [])]
      for (const [name, others] of Object.entries(accepted.dependentRequired ?? {})) {
        if (present.has(name)) needed.push(...others)
      }
      for (const name of needed.filter((needs) => !present.has(needs))) {
        const inner = issues.within(name)
        inner.add('missing required property')
        issues.take(inner)
      }
    } else if (additionalProperties !== false) {
      this.check(additionalProperties, accepted.additionalProperties, issues, depth + 1)
    }
  }
}
