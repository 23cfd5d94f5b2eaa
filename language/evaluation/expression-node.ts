/** One expression in one evaluation: declared, being evaluated, or done with its value kept. Children appear on demand. */
import type { Schema } from '../../model/json-schema.ts'
import { formatPropertyPath } from '../../model/property-path.ts'
import type { Range } from '../diagnostic.ts'
import type { CallExpression, Expression } from '../expressions/expression.ts'
import { arrayOf, constant, NULL_SCHEMA, STRING_SCHEMA } from '../schema/schemas.ts'
import { childPath, pathSegments, ROOT_PATH, type SyntaxPath } from '../syntax/path.ts'
import { JsonNumber } from '../value.ts'
import type { Definition } from './definition.ts'
import type { EvaluatedValue } from './evaluated-value.ts'

const MISSING: Expression = { kind: 'missing' }

export class ExpressionNode {
  readonly kind = 'expression'
  readonly expression: Expression
  /** The imported value that this expression is laid over. */
  readonly base: EvaluatedValue | undefined
  /** True for the argument of `fn::secret`. */
  readonly secret: boolean
  state: 'declared' | 'evaluating' | 'done' = 'declared'
  value: EvaluatedValue | undefined
  #targets: Definition[][] | undefined
  #argumentSchemas: Record<string, Schema> | undefined
  readonly #place: SyntaxPath
  #schema: Schema | undefined
  #children: Map<string, ExpressionNode> | undefined
  #elements: readonly ExpressionNode[] | undefined

  constructor(
    expression: Expression,
    options: { place?: SyntaxPath; base?: EvaluatedValue | undefined; secret?: boolean } = {},
  ) {
    this.expression = expression
    this.base = options.base
    this.secret = options.secret ?? false
    this.#place = options.place ?? ROOT_PATH
  }

  /** What each accessor of a reference resolved to, for each part of an interpolation. */
  get targets(): Definition[][] {
    return (this.#targets ??= [])
  }

  /** Schemas that a call's provider gave, by argument. */
  get argumentSchemas(): Record<string, Schema> {
    return (this.#argumentSchemas ??= {})
  }

  get range(): Range | undefined {
    return this.expression.syntax?.range
  }

  get path(): SyntaxPath | undefined {
    return this.expression.syntax?.path
  }

  /** Path relative to `values`, for messages; empty inside a builtin's argument. */
  get place(): string {
    return formatPropertyPath(pathSegments(this.#place))
  }

  /** Known before evaluation from the kind of expression alone, afterwards that of the value. */
  get schema(): Schema {
    return this.value?.schema ?? this.#schema ?? declaredSchema(this.expression)
  }

  set schema(schema: Schema) {
    this.#schema = schema
  }

  /** A property of an object literal. */
  property(name: string): ExpressionNode | undefined {
    if (this.expression.kind !== 'object') return undefined
    const known = this.#children?.get(name)
    const property = known ? undefined : this.expression.properties.get(name)
    if (!property) return known
    const place = childPath(this.#place, name)
    return this.#adopt(name, new ExpressionNode(property.value, { place, base: this.base?.property(name) }))
  }

  /** The elements of an array literal. */
  get elements(): readonly ExpressionNode[] {
    if (!this.#elements) {
      const elements = this.expression.kind === 'array' ? this.expression.elements : []
      this.#elements = elements.map(
        (element, index) => new ExpressionNode(element, { place: childPath(this.#place, index) }),
      )
    }
    return this.#elements
  }

  /** An argument of a call. */
  argument(name: string): ExpressionNode {
    const known = this.#children?.get(name)
    if (known) return known
    const call = this.expression as CallExpression
    const secret = call.builtin.name === 'fn::secret'
    return this.#adopt(name, new ExpressionNode(call.parts[name] ?? MISSING, { secret }))
  }

  #adopt(name: string, child: ExpressionNode): ExpressionNode {
    this.#children ??= new Map()
    this.#children.set(name, child)
    return child
  }
}

function declaredSchema(expression: Expression): Schema {
  switch (expression.kind) {
    case 'null':
      return NULL_SCHEMA
    case 'boolean':
      return constant('boolean', expression.value)
    case 'number':
      return constant('number', new JsonNumber(expression.text))
    case 'string':
      return constant('string', expression.value)
    case 'interpolation':
      return STRING_SCHEMA
    case 'array':
      return arrayOf(true)
    case 'object':
      return { additionalProperties: true, type: 'object' }
    case 'call':
      return expression.builtin.resultSchema
    case 'missing':
    case 'symbol':
      return true
  }
}
