/** Evaluates the expressions of one environment, each once, on demand, in the order of keys. */
import type { CallNode } from '../builtins/builtin.ts'
import { hasErrors } from '../diagnostic.ts'
import type { Expression, ObjectExpression } from '../expressions/expression.ts'
import type { LoadedEnvironment } from '../host.ts'
import { limits } from '../limits.ts'
import { compareKeys } from '../encoding/order.ts'
import { ACCEPT_ANY, acceptItem, acceptProperty, type Accept } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import { validateValue } from '../schema/validate-value.ts'
import { nestingMessage } from '../syntax/yaml-document.ts'
import { JsonNumber } from '../value.ts'
import type { ParsedDocument } from '../parsed-document.ts'
import { contextValue } from './context-value.ts'
import { EvaluatedValue, layersMessage, mayLieOver } from './evaluated-value.ts'
import { ExpressionNode } from './expression-node.ts'
import { evaluateImports, type Imports } from './imports.ts'
import { resolveAccess } from './references.ts'
import type { Place, Session } from './session.ts'
import { textOf } from './text-of.ts'

const ANONYMOUS = '<yaml>'
const LITERALS: ReadonlySet<string> = new Set(['null', 'boolean', 'number', 'string'])

export class Evaluator {
  readonly session: Session
  readonly document: ParsedDocument
  readonly isRoot: boolean
  readonly rootName: string
  readonly decrypt: LoadedEnvironment['decrypt']
  #context: EvaluatedValue | undefined
  #imports: Promise<Imports> | undefined
  #root: Promise<ExpressionNode> | undefined

  constructor(
    session: Session,
    document: ParsedDocument,
    decrypt: LoadedEnvironment['decrypt'],
    importedBy?: Evaluator,
  ) {
    this.session = session
    this.document = document
    this.decrypt = decrypt
    this.isRoot = !importedBy
    const { name } = document
    session.imports.set(name, { evaluating: true })
    this.rootName = importedBy && importedBy.rootName !== ANONYMOUS ? importedBy.rootName : name
  }

  get rotating(): boolean {
    return this.session.mode === 'rotate' && this.isRoot
  }

  get validating(): boolean {
    return this.session.mode === 'check'
  }

  /** What `${context…}` shows in this environment. */
  get context(): EvaluatedValue {
    this.#context ??= contextValue(this)
    return this.#context
  }

  /** The imported environments, evaluated in the order of the list. */
  imports(): Promise<Imports> {
    this.#imports ??= evaluateImports(this)
    return this.#imports
  }

  /** The object literal under `values`, laid over what is imported. */
  root(): Promise<ExpressionNode> {
    this.#root ??= this.#declareRoot()
    return this.#root
  }

  async #declareRoot(): Promise<ExpressionNode> {
    const { base } = await this.imports()
    return new ExpressionNode(this.document.declaration.values, { base })
  }

  /** Evaluates the whole environment. */
  async evaluateAll(): Promise<EvaluatedValue> {
    void this.context
    const root = await this.root()
    this.session.add(this.document.declaration.declarationDiagnostics)
    return this.evaluate(root, ACCEPT_ANY)
  }

  /** An evaluator for an environment that this one imports. */
  importing(document: ParsedDocument, decrypt: LoadedEnvironment['decrypt']): Evaluator {
    return new Evaluator(this.session, document, decrypt, this)
  }

  error(place: Place, summary: string): void {
    this.session.error(place, summary)
  }

  unknown(node: ExpressionNode, schema = node.schema): EvaluatedValue {
    return new EvaluatedValue({ def: node, schema, unknown: true })
  }

  async evaluate(node: ExpressionNode, expected: Accept): Promise<EvaluatedValue> {
    const pause = this.session.step()
    if (pause) await pause
    if (node.value) return node.value
    if (node.state === 'evaluating' || (node.expression as unknown) === this.session.target) {
      this.error(node, `cyclic reference to ${node.place}`)
      return this.unknown(node, true)
    }
    if (expected.rotateOnly && !((this.rotating || this.validating) && this.isRoot)) {
      const def = new ExpressionNode({ kind: 'missing' })
      return new EvaluatedValue({ def, schema: true, unknown: true, rotateOnly: true })
    }
    if (this.session.speculation && node.base && (node.base.unknown || node.base.overUnknown)) {
      return this.unknown(node, true)
    }
    if (node.base?.final) {
      this.session.warn(node, 'cannot override final value')
      node.value = node.base
      node.state = 'done'
      return node.value
    }
    node.state = 'evaluating'
    let value = await this.#byKind(node, expected)
    if (expected.rotateOnly && !value.rotateOnly) value = value.with({ rotateOnly: true })
    if (node.secret && !value.secret) value = value.with({ secret: true })
    if (!mayLieOver(value, node.base)) {
      this.error(node, layersMessage())
      value = this.unknown(node, true)
    } else {
      if (node.base?.object) this.session.spend(value.object?.size ?? 0)
      const laid = value.over(node.base, node.expression.kind === 'symbol')
      // what passes a value through has looked at its keys by now, and others go on seeing those
      const keepsKeys = laid !== value && value.object !== undefined && passesThrough(node.expression)
      value = keepsKeys ? laid.with({ before: value }) : laid
    }
    node.value = value
    node.state = 'done'
    return node.value
  }

  /**
   * Evaluates and checks against the schema; `ok` is false when it does not fit, with the reasons reported, or just
   * `refusal` where the schema itself may not show.
   */
  async typed(
    node: ExpressionNode,
    expected: Accept,
    refusal?: string,
  ): Promise<{ value: EvaluatedValue; ok: boolean }> {
    const value = await this.evaluate(node, expected)
    const diagnostics = validateValue(value, expected.schema, (steps) => this.session.spend(steps))
    const ok = !hasErrors(diagnostics)
    if (!ok && refusal !== undefined) this.error(value.def.range ? value.def : node, refusal)
    else this.session.add(diagnostics)
    return { value, ok }
  }

  #byKind(node: ExpressionNode, expected: Accept): EvaluatedValue | Promise<EvaluatedValue> {
    const { expression } = node
    switch (expression.kind) {
      case 'missing':
        return this.unknown(node)
      case 'null':
        return new EvaluatedValue({ def: node, repr: null })
      case 'boolean':
      case 'string':
        return new EvaluatedValue({ def: node, repr: expression.value })
      case 'number':
        return new EvaluatedValue({ def: node, repr: new JsonNumber(expression.text) })
      case 'interpolation':
        return this.#interpolation(node)
      case 'symbol':
        return this.#access(node, 0)
      case 'array':
        return this.#array(node, expected)
      case 'object':
        return this.#object(node, expected)
      case 'call':
        return expression.builtin.evaluate(node as CallNode, this)
    }
  }

  /** At once for what is just there, which most values are: waiting for each of them would take longer. */
  #evaluateSoon(node: ExpressionNode, expected: Accept): EvaluatedValue | Promise<EvaluatedValue> {
    const isPlain = LITERALS.has(node.expression.kind) && !node.base && !expected.rotateOnly && !node.secret
    if (!isPlain || this.session.isDue) return this.evaluate(node, expected)
    void this.session.step()
    node.value ??= this.#byKind(node, expected) as EvaluatedValue
    node.state = 'done'
    return node.value
  }

  async #array(node: ExpressionNode, expected: Accept): Promise<EvaluatedValue> {
    const items: EvaluatedValue[] = []
    for (const [index, element] of node.elements.entries()) {
      const value = this.#evaluateSoon(element, acceptItem(expected, index))
      items.push(value instanceof EvaluatedValue ? value : await value)
    }
    return this.bounded(new EvaluatedValue({ def: node, repr: items }), node)
  }

  async #object(node: ExpressionNode, expected: Accept): Promise<EvaluatedValue> {
    const { expression } = node
    const names = expression.kind === 'object' ? sortedNames(expression) : []
    const properties = new Map<string, EvaluatedValue>()
    for (const name of names) {
      const value = this.#evaluateSoon(node.property(name)!, acceptProperty(expected, name))
      properties.set(name, value instanceof EvaluatedValue ? value : await value)
    }
    return this.bounded(new EvaluatedValue({ def: node, repr: properties, base: node.base }), node)
  }

  /** The value itself, unless it is deeper than the stack or wider than memory bear: references can build such. */
  bounded(value: EvaluatedValue, node: ExpressionNode): EvaluatedValue {
    const { depth } = value
    // the outermost container is not counted
    if (depth <= limits.nesting && value.size <= limits.values + 1) return value
    const tooMany = `a value is limited to ${limits.values} values inside it`
    this.error(node, depth > limits.nesting ? nestingMessage() : tooMany)
    return this.unknown(node, true)
  }

  async #interpolation(node: ExpressionNode): Promise<EvaluatedValue> {
    const { expression } = node
    const parts = expression.kind === 'interpolation' ? expression.parts : []
    const texts: string[] = []
    let unknown = false
    let secret = false
    for (const [index, part] of parts.entries()) {
      texts.push(part.text)
      if (!part.access) continue
      const shown = textOf(await this.#access(node, index), this.session)
      unknown ||= shown.unknown
      secret ||= shown.secret
      texts.push(shown.text)
      this.session.produce(part.text.length + shown.text.length)
    }
    return new EvaluatedValue({
      def: node,
      repr: unknown ? '[unknown]' : texts.join(''),
      schema: STRING_SCHEMA,
      unknown,
      secret,
    })
  }

  // what a reference yields is the referencing expression's own from here on, rotate-only or not
  async #access(node: ExpressionNode, part: number): Promise<EvaluatedValue> {
    const resolved = await resolveAccess(this, node, part)
    if (this.session.speculation && resolved.overUnknown) return this.unknown(node, true)
    return resolved.referredToBy(node)
  }
}

// a document is evaluated many times
const names = new WeakMap<Expression, readonly string[]>()

function sortedNames(object: ObjectExpression): readonly string[] {
  const known = names.get(object)
  if (known) return known
  const sorted = [...object.properties.keys()].sort(compareKeys)
  names.set(object, sorted)
  return sorted
}

function passesThrough(expression: Expression): boolean {
  return expression.kind === 'call' && expression.builtin.passesThrough === true
}
