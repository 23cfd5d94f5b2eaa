/** The contract of a builtin function: how its argument is read, and what a call of it is worth. */
import type { Schema } from '../../model/json-schema.ts'
import type { CallExpression, Expression } from '../expressions/expression.ts'
import type { SyntaxNode, StringNode } from '../syntax/node.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { ExpressionNode } from '../evaluation/expression-node.ts'

/** What parsing offers to a builtin. */
export interface ArgumentReader {
  expression(node: SyntaxNode): Expression
  /**
   * The wanted fields of a plain object, of repeated ones the last; undefined for anything else, calls included. All of
   * the node is read for its errors.
   */
  record(node: SyntaxNode, wanted: readonly string[]): ReadonlyMap<string, Expression> | undefined
  /** Reads for its errors alone what no part of the call is made of. */
  skipped(node: SyntaxNode): void
  error(at: SyntaxNode, summary: string): void
}

export type ParsedCall = Pick<CallExpression, 'parts' | 'provider'>

/** A call that is being evaluated; its arguments are the node's parts. */
export type CallNode = ExpressionNode & { readonly expression: CallExpression }

export interface Builtin {
  /** As written, e.g. `fn::join`; a builtin with a short form also answers to `<name>::…`. */
  readonly name: string
  readonly shortForm?: boolean
  /** Reads the argument. Errors are reported, never thrown: what could not be read stays `missing`. */
  parse(argument: SyntaxNode, name: StringNode, reader: ArgumentReader): ParsedCall
  /** Reports what is wrong to the evaluator and returns an unknown value then; never throws. */
  evaluate(call: CallNode, evaluator: Evaluator): Promise<EvaluatedValue>
  /** True when a call yields its argument, under its own name. */
  readonly passesThrough?: boolean
  /** What a call yields, as far as that is known without its arguments. */
  readonly resultSchema: Schema
  /** How the exported expression shows the arguments: one of them as it is, a list, or an object. */
  readonly exported: 'value' | 'list' | 'object'
  /** The schema of the argument for editors; `parts` are those that the evaluation filled in. */
  argumentSchema(call: CallNode): Schema
}
