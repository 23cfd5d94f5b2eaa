/**
 * What a reference refers to. Object and array literals are walked without being evaluated, so that one part of an
 * object may refer to another; anything else on the way is evaluated and its value walked.
 */
import type { Schema } from '../../model/json-schema.ts'
import type { Access, Accessor } from '../expressions/expression.ts'
import { suggest } from '../../model/suggest.ts'
import { quote } from '../encoding/quote.ts'
import { ACCEPT_ANY } from '../schema/accept.ts'
import { itemSchema, propertySchema, typeOf } from '../schema/schemas.ts'
import type { Definition } from './definition.ts'
import type { EvaluatedValue } from './evaluated-value.ts'
import type { Evaluator } from './evaluator.ts'
import type { ExpressionNode } from './expression-node.ts'
import { evaluateEnvironment } from './imports.ts'
import { missingValue } from './missing-value.ts'

/** Resolves part `part` of an interpolation, or the access of a symbol (part 0). */
export function resolveAccess(
  evaluator: Evaluator,
  node: ExpressionNode,
  part: number,
): Promise<EvaluatedValue> {
  const { expression } = node
  let access: Access = []
  if (expression.kind === 'symbol') access = expression.access
  else if (expression.kind === 'interpolation') access = expression.parts[part]?.access ?? []
  const targets: Definition[] = []
  node.targets[part] = targets
  return new Resolution(evaluator, node, access, targets).resolve()
}

class Resolution {
  readonly #evaluator: Evaluator
  readonly #node: ExpressionNode
  readonly #access: Access
  readonly #targets: Definition[]

  constructor(evaluator: Evaluator, node: ExpressionNode, access: Access, targets: Definition[]) {
    this.#evaluator = evaluator
    this.#node = node
    this.#access = access
    this.#targets = targets
  }

  async resolve(): Promise<EvaluatedValue> {
    const first = this.#access[0]!.key
    if (first === 'imports') return this.#walkFrom((await this.#evaluator.imports()).value)
    if (first === 'context') return this.#walkFrom(this.#evaluator.context)
    if (first === 'environments') return this.#environment()
    return this.#walkExpression(await this.#evaluator.root())
  }

  #walkFrom(root: EvaluatedValue): EvaluatedValue {
    this.#targets.push(root.def)
    return this.#walkValue(root, 1)
  }

  async #environment(): Promise<EvaluatedValue> {
    const [, project, environment] = this.#access
    if (!project || !environment) return this.#invalid(0)
    const projectName = this.#key(project)
    const environmentName = this.#key(environment)
    if (projectName === undefined || environmentName === undefined) return this.#invalid(0)
    const value = await evaluateEnvironment(this.#evaluator, `${projectName}/${environmentName}`, {
      place: this.#node,
      certain: false,
    })
    // what could not be loaded may hold anything
    const found = value ?? missingValue()
    this.#targets.push(this.#node, this.#node, found.def)
    return this.#walkValue(found, 3)
  }

  async #walkExpression(root: ExpressionNode): Promise<EvaluatedValue> {
    let receiver = root
    let at = 0
    while (at < this.#access.length) {
      const accessor = this.#access[at]!
      const { expression } = receiver
      let next: ExpressionNode | undefined
      if (expression.kind === 'array') {
        const index = this.#index(accessor, receiver.elements.length)
        if (index === undefined) return this.#invalid(at)
        next = receiver.elements[index]!
      } else if (expression.kind === 'object') {
        const key = this.#key(accessor)
        if (key === undefined) return this.#invalid(at)
        next = receiver.property(key)
        if (!next && receiver.base?.mayBeObject) return this.#walkValue(receiver.base, at)
        if (!next) return this.#missing(accessor, key, expression.properties.keys(), at)
      } else if (expression.kind === 'call' && expression.builtin.name === 'fn::secret') {
        if (!expression.parts['plaintext']) {
          this.#evaluator.error(this.#node, 'internal error: no receiver')
          return this.#invalid(at)
        }
        receiver = receiver.argument('plaintext')
        continue
      } else {
        return this.#walkValue(await this.#evaluator.evaluate(receiver, ACCEPT_ANY), at)
      }
      this.#targets.push(next)
      receiver = next
      at += 1
    }
    return this.#evaluator.evaluate(receiver, ACCEPT_ANY)
  }

  #walkValue(from: EvaluatedValue, start: number): EvaluatedValue {
    let receiver = from
    let at = start
    while (at < this.#access.length) {
      const accessor = this.#access[at]!
      if (receiver.unknown) return this.#walkUnknown(receiver.schema, at)
      if (receiver.array) {
        const index = this.#index(accessor, receiver.array.length)
        if (index === undefined) return this.#invalid(at)
        receiver = receiver.array[index]!
      } else if (receiver.object) {
        const key = this.#key(accessor)
        if (key === undefined) return this.#invalid(at)
        const own = receiver.object.get(key)
        if (!own && receiver.base?.mayBeObject) {
          receiver = receiver.base
          continue
        }
        // the keys of a secret object are nobody's business
        if (!own) return this.#missing(accessor, key, receiver.secret ? [] : receiver.object.keys(), at)
        receiver = own
      } else {
        return this.#noReceiver(accessor, at)
      }
      this.#targets.push(receiver.def)
      at += 1
    }
    return receiver
  }

  #walkUnknown(from: Schema, start: number): EvaluatedValue {
    let schema = from
    for (let at = start; at < this.#access.length; at += 1) {
      const accessor = this.#access[at]!
      if (schema !== true) {
        const type = typeOf(schema)
        if (type === 'array') {
          const index = this.#index(accessor, closedLength(schema))
          if (index === undefined) return this.#invalid(at)
          schema = itemSchema(schema, index)
        } else if (type === 'object') {
          const key = this.#key(accessor)
          if (key === undefined) return this.#invalid(at)
          schema = propertySchema(schema, key)
        } else {
          return this.#noReceiver(accessor, at)
        }
      }
      this.#targets.push(this.#node)
    }
    return this.#evaluator.unknown(this.#node, schema)
  }

  #invalid(from: number): EvaluatedValue {
    for (let at = from; at < this.#access.length; at += 1) this.#targets.push(this.#node)
    return this.#evaluator.unknown(this.#node, true)
  }

  #noReceiver(accessor: Accessor, at: number): EvaluatedValue {
    this.#error(accessor, 'receiver must be an array or an object')
    return this.#invalid(at)
  }

  #missing(accessor: Accessor, key: string, candidates: Iterable<string>, at: number): EvaluatedValue {
    const { session } = this.#evaluator
    const suggestion = session.isFull ? undefined : suggest(key, candidates, session)
    const hint = suggestion === undefined ? '' : `; did you mean ${quote(suggestion)}?`
    this.#error(accessor, `unknown property ${quote(key)}${hint}`)
    return this.#invalid(at)
  }

  #index({ key, range }: Accessor, length: number | undefined): number | undefined {
    if (typeof key === 'string') {
      this.#error({ key, ...(range && { range }) }, 'cannot access an array element using a property name')
    } else if (key < 0) {
      this.#error({ key, ...(range && { range }) }, 'array indices must not be negative')
    } else if (length !== undefined && key >= length) {
      const summary = `array index ${key} out-of-bounds for array of length ${length}`
      this.#error({ key, ...(range && { range }) }, summary)
    } else {
      return key
    }
    return undefined
  }

  #key(accessor: Accessor): string | undefined {
    if (typeof accessor.key === 'string') return accessor.key
    this.#error(accessor, 'cannot access an object property using an integer index')
    return undefined
  }

  #error(accessor: Accessor, summary: string): void {
    this.#evaluator.error({ range: accessor.range ?? this.#node.range, path: this.#node.path }, summary)
  }
}

function closedLength(schema: Schema): number | undefined {
  if (typeof schema === 'boolean' || schema.items !== false) return undefined
  return schema.prefixItems?.length ?? 0
}
