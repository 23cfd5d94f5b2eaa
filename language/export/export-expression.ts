/** Expressions as editors want them: what was written, where, its schema, and what its references refer to. */
import type { Schema } from '../../model/json-schema.ts'
import type { CallNode } from '../builtins/builtin.ts'
import { compareKeys } from '../encoding/order.ts'
import { NO_POSITION, type Range } from '../diagnostic.ts'
import { AccessDefinition, type Definition } from '../evaluation/definition.ts'
import type { ExpressionNode } from '../evaluation/expression-node.ts'
import type { Access, CallExpression } from '../expressions/expression.ts'
import { JsonNumber, setEntry } from '../value.ts'
import { rangeOf } from './export-value.ts'

export interface ExportedAccessor {
  key?: string
  index?: number
  range: Range
}
export interface ExportedPropertyAccessor extends ExportedAccessor {
  /** Where the accessed thing is defined. */
  value: Range
}
export interface ExportedExpression {
  range: Range
  schema?: Schema
  base?: ExportedExpression
  keyRanges?: Record<string, Range>
  literal?: boolean | JsonNumber | string
  interpolate?: { text?: string; value?: ExportedPropertyAccessor[] }[]
  symbol?: ExportedPropertyAccessor[]
  access?: { receiver: Range; accessors: ExportedAccessor[] }
  list?: ExportedExpression[]
  object?: Record<string, ExportedExpression>
  /** True for the text of a `fn::secret`, and where any part of the value is secret; not part of the JSON. */
  secret?: true
  builtin?: { name: string; nameRange: Range; argSchema: Schema; arg: ExportedExpression }
}

const NOWHERE: Range = { begin: NO_POSITION, end: NO_POSITION }

/** Exports each expression once, however many values refer to it. */
export class ExpressionExporter {
  readonly #environment: string
  readonly #exported = new Map<Definition, ExportedExpression>()

  constructor(environment: string) {
    this.#environment = environment
  }

  /** The properties of an object literal. */
  properties(node: ExpressionNode): Record<string, ExportedExpression> {
    const properties: Record<string, ExportedExpression> = {}
    const names = node.expression.kind === 'object' ? [...node.expression.properties.keys()] : []
    for (const name of names.sort(compareKeys)) setEntry(properties, name, this.#export(node.property(name)!))
    return properties
  }

  #export(definition: Definition): ExportedExpression {
    const known = this.#exported.get(definition)
    if (known) return known
    const exported: ExportedExpression = {
      range: rangeOf(definition.range, this.#environment),
      schema: definition.schema,
      ...(isSecret(definition) && { secret: true }),
      ...(definition.base && { base: this.#export(definition.base.def) }),
    }
    this.#exported.set(definition, exported)
    if (definition instanceof AccessDefinition) this.#access(exported, definition)
    else this.#kind(exported, definition)
    return exported
  }

  #access(exported: ExportedExpression, { receiver, key }: AccessDefinition): void {
    const accessor: ExportedAccessor = { key, range: rangeOf(undefined, this.#environment) }
    if (receiver.def instanceof AccessDefinition) {
      // the whole access is shown as that of its receiver, with one accessor more
      const { access, ...outer } = this.#export(receiver.def)
      Object.assign(exported, outer)
      if (access) exported.access = { ...access, accessors: [...access.accessors, accessor] }
    } else {
      exported.access = {
        receiver: rangeOf(receiver.def.range, this.#environment),
        accessors: [accessor],
      }
    }
  }

  #kind(exported: ExportedExpression, node: ExpressionNode): void {
    const { expression } = node
    switch (expression.kind) {
      case 'boolean':
      case 'string':
        exported.literal = expression.value
        break
      case 'number':
        exported.literal = new JsonNumber(expression.text)
        break
      case 'interpolation':
        exported.interpolate = expression.parts.map(({ text, access }, index) => ({
          ...(text !== '' && { text }),
          ...(access && { value: this.#accessors(access, node.targets[index]) }),
        }))
        break
      case 'symbol':
        exported.symbol = this.#accessors(expression.access, node.targets[0])
        break
      case 'array':
        if (node.elements.length > 0) exported.list = node.elements.map((element) => this.#export(element))
        break
      case 'object':
        if (expression.properties.size === 0) break
        exported.keyRanges = recordOf(expression.keyRanges)
        exported.object = this.properties(node)
        break
      case 'call':
        exported.builtin = this.#builtin(node as CallNode)
        break
      case 'missing':
      case 'null':
    }
  }

  #accessors(access: Access, targets: readonly Definition[] = []): ExportedPropertyAccessor[] {
    return access.map(({ key, range }, index) => ({
      ...(typeof key === 'number' ? { index: key } : { key }),
      range: rangeOf(range, this.#environment),
      value: targets[index] ? rangeOf(targets[index].range, this.#environment) : NOWHERE,
    }))
  }

  #builtin(node: CallNode): NonNullable<ExportedExpression['builtin']> {
    const { builtin, name } = node.expression
    return {
      name: name.value,
      nameRange: name.range,
      argSchema: builtin.argumentSchema(node),
      arg: this.#argument(node),
    }
  }

  #argument(node: CallNode): ExportedExpression {
    const { builtin, parts, argument } = node.expression
    const names = Object.keys(parts)
    const [only] = names
    const whole = only !== undefined && names.length === 1 && shownWhole(node.expression)
    if (whole) return this.#export(node.argument(only))
    if (builtin.exported === 'list') {
      return { range: argument.range, list: names.map((name) => this.#export(node.argument(name))) }
    }
    const object: Record<string, ExportedExpression> = {}
    for (const name of names) object[name] = this.#export(node.argument(name))
    return { range: builtin.shortForm ? NOWHERE : argument.range, object }
  }
}

function isSecret(definition: Definition): boolean {
  if (definition.kind !== 'expression') return false
  return definition.secret || (definition.value?.containsSecret ?? false)
}

// a sealed secret shows that it is one, a short open only its inputs
function shownWhole({ builtin, parts, name }: CallExpression): boolean {
  if (builtin.name === 'fn::secret') return 'plaintext' in parts
  return builtin.exported === 'value' || (builtin.name === 'fn::open' && name.value !== 'fn::open')
}

function recordOf<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  const record: Record<string, T> = {}
  for (const [key, value] of entries) setEntry(record, key, value)
  return record
}
