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

/** What few expressions have. */
interface Extra {
  targets?: Definition[][]
  argumentSchemas?: Record<string, Schema>
  schema?: Schema
  elements?: readonly ExpressionNode[]
}

export class ExpressionNode {
  readonly expression: Expression
  /** The imported value that this expression is laid over. */
  readonly base: EvaluatedValue | undefined
  /** True for the argument of `fn::secret`. */
  readonly secret: boolean
  state: 'declared' | 'evaluating' | 'done' = 'declared'
  value: EvaluatedValue | undefined
  readonly #place: SyntaxPath
  #children: Map<string, ExpressionNode> | undefined
  #known: Extra | undefined

  constructor(
    expression: Expression,
    options: { place?: SyntaxPath; base?: EvaluatedValue | undefined; secret?: boolean } = {},
  ) {
    this.expression = expression
    this.base = options.base
    this.secret = options.secret ?? false
    this.#place = options.place ?? ROOT_PATH
  }

  get kind(): 'expression' {
    return 'expression'
  }

  get #extra(): Extra {
    return (this.#known ??= {})
  }

  /** What each accessor of a reference resolved to, for each part of an interpolation. */
  get targets(): Definition[][] {
    return (this.#extra.targets ??= [])
  }

  /** Schemas that a call's provider gave, by argument. */
  get argumentSchemas(): Record<string, Schema> {
    return (this.#extra.argumentSchemas ??= {})
  }

  get range(): Range | undefined {
    return this.expression.syntax?.range
  }

  get path(): SyntaxPath | undefined {
    return this.expression.syntax?.path
  }

  /** Path relative to `values`, for messages, its first key as it is; empty inside a builtin's argument. */
  get place(): string {
    const [first = '', ...rest] = pathSegments(this.#place)
    // the place inside a first key `a` is that inside any other, but for the key itself
    return `${first}${formatPropertyPath(['a', ...rest]).slice(1)}`
  }

  /** Known before evaluation from the kind of expression alone, afterwards that of the value. */
  get schema(): Schema {
    return this.value?.schema ?? this.#known?.schema ?? declaredSchema(this.expression)
  }

  set schema(schema: Schema) {
    this.#extra.schema = schema
  }

  /** A property of an object literal. */
  property(name: string): ExpressionNode | undefined {
    if (this.expression.kind !== 'object') return undefined
    const known = this.#children?.get(name)
    const property = known ? undefined : this.expression.properties.get(name)
    if (!property) return known
    const place = childPath(this.#place, name)
    const base = this.base?.property(name, property.key)
    return this.#adopt(name, new ExpressionNode(property.value, { place, base }))
  }

  /** The elements of an array literal. */
  get elements(): readonly ExpressionNode[] {
    if (this.expression.kind !== 'array') return []
    return (this.#extra.elements ??= this.expression.elements.map(
      (element, index) => new ExpressionNode(element, { place: childPath(this.#place, index) }),
    ))
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
