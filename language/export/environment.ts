/** The result of an evaluation. Its parts are worked out when somebody asks for them. */
import type { Schema } from '../../model/json-schema.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { ExpressionNode } from '../evaluation/expression-node.ts'
import { mergedSchema } from '../schema/schemas.ts'
import type { Value } from '../value.ts'
import { ExpressionExporter, type ExportedExpression } from './export-expression.ts'
import { ValueExporter } from './export-value.ts'

export interface Environment {
  /** What the definition itself says, by key; nothing of its imports. */
  readonly exprs: Record<string, ExportedExpression>
  /** The values, inherited ones included. May hold secrets in clear, marked `secret`. */
  readonly properties: Record<string, Value>
  /** Of all properties. Holds plaintext secrets as constants: redact it along with the values. */
  readonly schema: Schema
  readonly executionContext: { readonly properties: Record<string, Value>; readonly schema: Schema }
}

export class EvaluatedEnvironment implements Environment {
  readonly #name: string
  readonly #root: ExpressionNode
  readonly #value: EvaluatedValue
  readonly #context: EvaluatedValue
  #exprs: Record<string, ExportedExpression> | undefined
  #properties: Record<string, Value> | undefined

  constructor(name: string, root: ExpressionNode, value: EvaluatedValue, context: EvaluatedValue) {
    this.#name = name
    this.#root = root
    this.#value = value
    this.#context = context
  }

  get exprs(): Record<string, ExportedExpression> {
    this.#exprs ??= new ExpressionExporter(this.#name).properties(this.#root)
    return this.#exprs
  }

  get properties(): Record<string, Value> {
    this.#properties ??= propertiesOf(this.#value, this.#name)
    return this.#properties
  }

  get schema(): Schema {
    const { base, schema } = this.#value
    // merged once more than the values themselves: what is inherited and not known yet shows its properties as required
    return base ? mergedSchema(base.schema, schema) : schema
  }

  get executionContext(): Environment['executionContext'] {
    return { properties: propertiesOf(this.#context, this.#name), schema: this.#context.schema }
  }
}

function propertiesOf(value: EvaluatedValue, environment: string): Record<string, Value> {
  return new ValueExporter(environment).export(value).value as Record<string, Value>
}
