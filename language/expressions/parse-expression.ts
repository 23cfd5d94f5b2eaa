/** Syntax node → expression. Errors are reported and leave a hole; there is always a result. */
import type { ArgumentReader, Builtin } from '../builtins/builtin.ts'
import { findBuiltin } from '../builtins/index.ts'
import type { Diagnostic, Range } from '../diagnostic.ts'
import { quote } from '../encoding/quote.ts'
import { limits, MORE_DIAGNOSTICS } from '../limits.ts'
import type { ObjectEntry, ObjectNode, StringNode, SyntaxNode } from '../syntax/node.ts'
import { pathText, type SyntaxPath } from '../syntax/path.ts'
import type { CallExpression, Expression, ObjectExpression } from './expression.ts'
import { accessesOf } from './reachable-calls.ts'
import { parseString } from './parse-string.ts'

export class ExpressionParser implements ArgumentReader {
  readonly diagnostics: Diagnostic[] = []
  /** Duplicate keys of nested objects, in the order in which an evaluation meets them. */
  readonly duplicates: Diagnostic[] = []
  readonly rotateCalls: CallExpression[] = []
  /** Values of objects and elements of arrays, wherever they are. */
  valueCount = 0
  openCalls = 0
  environmentReferences = 0

  expression(node: SyntaxNode): Expression {
    switch (node.kind) {
      case 'null':
        return { kind: 'null', syntax: node }
      case 'boolean':
        return { kind: 'boolean', value: node.value, syntax: node }
      case 'number':
        return { kind: 'number', text: node.value, syntax: node }
      case 'string':
        return this.#string(node)
      case 'array':
        this.valueCount += node.items.length
        return { kind: 'array', elements: node.items.map((item) => this.expression(item)), syntax: node }
      case 'object':
        return this.#call(node) ?? this.#object(node)
    }
  }

  error(at: SyntaxNode, summary: string): void {
    this.#report(this.diagnostics, at.range, at.path, summary)
  }

  #string(node: StringNode): Expression {
    const expression = parseString(node, (diagnostic) => addBounded(this.diagnostics, diagnostic))
    if (accessesOf(expression).some(([first]) => first?.key === 'environments')) {
      this.environmentReferences += 1
    }
    return expression
  }

  record(node: SyntaxNode, wanted: readonly string[]): ReadonlyMap<string, Expression> | undefined {
    if (node.kind !== 'object' || this.#called(node)) {
      this.skipped(node)
      return undefined
    }
    const last = new Map(
      node.entries.map((entry) => {
        const read = parseString(entry.key, () => undefined)
        return [read.kind === 'string' ? read.value : undefined, entry] as const
      }),
    )
    const fields = new Map<string, Expression>()
    for (const entry of node.entries) {
      const name = this.#key(entry.key)
      if (name !== undefined && wanted.includes(name) && last.get(name) === entry) {
        fields.set(name, this.expression(entry.value))
      } else {
        this.skipped(entry.value)
      }
    }
    return fields
  }

  /** Undefined, with the reason reported, for a key that refers to something. */
  #key(key: StringNode): string | undefined {
    const read = parseString(key, (diagnostic) => addBounded(this.diagnostics, diagnostic))
    if (read.kind === 'string') return read.value
    this.error(key, 'object keys must be strings')
    return undefined
  }

  #call(node: ObjectNode): CallExpression | undefined {
    const builtin = this.#called(node)
    const [entry] = node.entries
    if (!builtin || !entry) return undefined
    const call: CallExpression = {
      kind: 'call',
      builtin,
      name: entry.key,
      argument: entry.value,
      syntax: node,
      ...builtin.parse(entry.value, entry.key, this),
    }
    if (builtin.name === 'fn::rotate') this.rotateCalls.push(call)
    if (builtin.name === 'fn::open') this.openCalls += 1
    return call
  }

  /** The builtin that the object calls, if it is a call; what looks like one and is none is reported. */
  #called(node: ObjectNode): Builtin | undefined {
    const [entry] = node.entries
    if (!entry || node.entries.length > 1) {
      for (const { key } of node.entries) {
        if (!key.value.startsWith('fn::')) continue
        const name = quote(key.value)
        this.error(
          node,
          `illegal call to builtin function: ${name} must be the only key within its containing object`,
        )
      }
      return undefined
    }
    const builtin = findBuiltin(entry.key.value)
    if (!builtin && entry.key.value.toLowerCase().startsWith('fn::')) {
      this.#report(this.diagnostics, entry.key.range, node.path, "'fn::' is a reserved prefix")
    }
    return builtin
  }

  #object(node: ObjectNode): ObjectExpression {
    const object: ObjectExpression = {
      kind: 'object',
      properties: new Map(),
      keyRanges: new Map(),
      syntax: node,
    }
    for (const entry of node.entries) this.#property(object, entry)
    return object
  }

  #property(object: ObjectExpression, entry: ObjectEntry): void {
    const name = this.#key(entry.key)
    if (name === undefined) this.skipped(entry.value)
    else this.declare(object, entry.key, name, entry.value)
  }

  /** Adds a property unless its name is taken: the first one wins, and the later one is an error. */
  declare(object: ObjectExpression, key: StringNode, name: string, value: SyntaxNode): void {
    this.valueCount += 1
    object.keyRanges.set(name, key.range)
    if (object.properties.has(name)) {
      this.skipped(value)
      this.duplicate(key, `duplicate key ${quote(name)}`)
    } else {
      object.properties.set(name, { key, name, value: this.expression(value) })
    }
  }

  /** Reads what will never be evaluated, for its errors alone: it declares no duplicates and no calls. */
  skipped(node: SyntaxNode): void {
    const { duplicates, rotateCalls } = this
    const kept = [duplicates.length, rotateCalls.length] as const
    this.expression(node)
    duplicates.length = kept[0]
    rotateCalls.length = kept[1]
  }

  /** What was declared so far is not going to be evaluated. */
  forget(): void {
    this.duplicates.length = 0
    this.rotateCalls.length = 0
  }

  duplicate(key: StringNode, summary: string): void {
    this.#report(this.duplicates, key.range, key.path, summary)
  }

  #report(to: Diagnostic[], range: Range, path: SyntaxPath, summary: string): void {
    if (to.length <= limits.diagnostics) {
      addBounded(to, { severity: 'error', summary, path: pathText(path), range })
    }
  }
}

/** Adds a diagnostic unless there are too many, which the last one says. */
export function addBounded(to: Diagnostic[], diagnostic: Diagnostic): void {
  if (to.length < limits.diagnostics) to.push(diagnostic)
  else if (to.length === limits.diagnostics)
    to.push({ severity: 'error', summary: MORE_DIAGNOSTICS, path: '' })
}
