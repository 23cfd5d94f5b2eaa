/** Where a value comes from: an expression of a definition, or a property of something not known yet. */
import type { Schema } from '../../model/json-schema.ts'
import type { Range } from '../diagnostic.ts'
import type { SyntaxPath } from '../syntax/path.ts'
import type { EvaluatedValue } from './evaluated-value.ts'
import type { ExpressionNode } from './expression-node.ts'
import type { Place } from './session.ts'

export type Definition = ExpressionNode | AccessDefinition

/** A property of an unknown value: what it is will be known when that value is. */
export class AccessDefinition {
  readonly kind = 'access'
  readonly receiver: EvaluatedValue
  readonly key: string
  readonly schema: Schema
  readonly base: EvaluatedValue | undefined
  readonly range: Range | undefined
  readonly path: SyntaxPath | undefined

  constructor(
    receiver: EvaluatedValue,
    key: string,
    schema: Schema,
    base: EvaluatedValue | undefined,
    { range, path }: Place,
  ) {
    this.receiver = receiver
    this.key = key
    this.schema = schema
    this.base = base
    this.range = range
    this.path = path
  }
}
