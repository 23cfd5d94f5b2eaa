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
  /** What each accessor of a reference resolved to, for each part of an interpolation. */
  readonly targets: Definition[][] = []
  /** Schemas that a call's provider gave, by argument. */
  readonly argumentSchemas: Record<string, Schema> = {}
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
    return this.#child(name, this.expression.properties.get(name)?.value, () => ({
      place: childPath(this.#place, name),
      base: this.base?.property(name),
    }))
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
    const call = this.expression as CallExpression
    const secret = call.builtin.name === 'fn::secret'
    return this.#child(name, call.parts[name] ?? MISSING, () => ({ secret }))!
  }

  #child(
    name: string,
    expression: Expression | undefined,
    options: () => ConstructorParameters<typeof ExpressionNode>[1],
  ): ExpressionNode | undefined {
    const known = this.#children?.get(name)
    if (known || !expression) return known
    this.#children ??= new Map()
    const child = new ExpressionNode(expression, options())
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
