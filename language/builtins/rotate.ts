/** `fn::rotate`, `fn::rotate::<rotator>`: a credential that is replaced from time to time. */
import type { Schema } from '../../model/json-schema.ts'
import { formatPropertyPath } from '../../model/property-path.ts'
import { reasonOf, type Diagnostic } from '../diagnostic.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import { evaluatedFrom } from '../evaluation/from-value.ts'
import { EvaluationStopped, type Rotation } from '../evaluation/session.ts'
import { exportValue } from '../export/export-value.ts'
import type { CallExpression } from '../expressions/expression.ts'
import type { RotateFunction } from '../host.ts'
import { accept } from '../schema/accept.ts'
import { rotateOnlySpread } from '../schema/rotate-only.ts'
import { NULL_SCHEMA, record, STRING_SCHEMA } from '../schema/schemas.ts'
import { pathText } from '../syntax/path.ts'
import type { Value } from '../value.ts'
import type { Builtin, CallNode } from './builtin.ts'
import { parseRotate } from './parse-rotate.ts'
import { callContext, callSegments, providerOutput, usableSchema } from './provider-call.ts'

export const rotate: Builtin = {
  name: 'fn::rotate',
  shortForm: true,
  resultSchema: true,
  exported: 'object',
  argumentSchema(call) {
    const { inputs = true, state = true } = call.argumentSchemas
    const provider = call.expression.name.value === 'fn::rotate' ? [['provider', STRING_SCHEMA] as const] : []
    return record([...provider, ['inputs', rotateOnlySpread(inputs)], ['state', rotateOnlySpread(state)]])
  },
  parse: parseRotate,
  async evaluate(call, evaluator) {
    const { provider: name } = call.expression
    if (name === undefined) return evaluator.unknown(call, true)
    const rotator = await loadRotator(call, name, evaluator)
    const selected = isSelected(call.expression, evaluator)
    // what a rotation changes, nobody may have looked at before
    if (selected && evaluator.session.speculation) throw new EvaluationStopped('a rotation comes next')
    const schemas = schemasOf(call, evaluator, rotator)
    Object.assign(call.argumentSchemas, { inputs: schemas.inputs, state: schemas.state })
    call.schema = schemas.outputs

    const inputs = await evaluator.typed(call.argument('inputs'), accept(schemas.inputs))
    const state = await evaluator.typed(call.argument('state'), accept(schemas.state))
    const held = evaluator.rotating ? inputs.value.containsUnknown : inputs.value.containsObservableUnknown
    const ready = inputs.ok && !held && state.ok && !state.value.containsUnknown
    if (!ready || evaluator.validating || !rotator) {
      if (selected) recordRotation(evaluator, call, { status: 'not-evaluated' })
      return evaluator.unknown(call, schemas.outputs)
    }
    return new Run(call, evaluator, rotator, inputs.value, schemas.outputs).run(state.value, selected)
  },
}

function schemasOf(call: CallNode, evaluator: Evaluator, rotator: RotateFunction | undefined) {
  if (!rotator) return { inputs: true, state: true, outputs: true }
  const { inputs, state, outputs } = rotator.schema()
  return {
    inputs: usableSchema(call, evaluator, inputs, 'input schema'),
    state: usableSchema(call, evaluator, orNull(state), 'state schema'),
    outputs: usableSchema(call, evaluator, outputs, 'schema'),
  }
}

/** Definitions are looked up in the outermost schema. */
function orNull(schema: Schema): Schema {
  const $defs = typeof schema === 'object' ? schema.$defs : undefined
  return { oneOf: [schema, NULL_SCHEMA], ...($defs && { $defs }) }
}

class Run {
  readonly #call: CallNode
  readonly #evaluator: Evaluator
  readonly #rotator: RotateFunction
  readonly #inputs: EvaluatedValue
  readonly #outputs: Schema

  constructor(
    call: CallNode,
    evaluator: Evaluator,
    rotator: RotateFunction,
    inputs: EvaluatedValue,
    outputs: Schema,
  ) {
    this.#call = call
    this.#evaluator = evaluator
    this.#rotator = rotator
    this.#inputs = inputs
    this.#outputs = outputs
  }

  /** Rotates when asked to, then opens: what refers to the call sees the new credential in the same run. */
  async run(state: EvaluatedValue, selected: boolean): Promise<EvaluatedValue> {
    const evaluator = this.#evaluator
    const given = state.repr === null ? null : exportValue(state)
    let current: Value | null | undefined = given
    if (selected) current = await this.#rotate(given)
    if (current === undefined) return evaluator.unknown(this.#call, this.#outputs)
    const latest = current
    return providerOutput(this.#call, evaluator, this.#inputs, this.#outputs, () => {
      // everything in a secret state is secret, as it will be once it is written back
      const held = selected && latest ? exportValue(evaluatedFrom(latest, this.#call)) : latest
      return this.#rotator.open(exportValue(this.#inputs), held, callContext(this.#call, evaluator))
    })
  }

  async #rotate(state: Value | null): Promise<Value | undefined> {
    const call = this.#call
    try {
      if (!this.#inputs.object) throw new Error('inputs must be an object')
      const context = callContext(call, this.#evaluator)
      const replacement = await this.#rotator.rotate(exportValue(this.#inputs), state, context)
      const docPath = statePath(call.expression)
      recordRotation(this.#evaluator, call, { status: 'succeeded', patch: { docPath, replacement } })
      return replacement
    } catch (error) {
      const summary = reasonOf(error)
      const { range } = call
      const path = call.path ? pathText(call.path) : ''
      const diagnostic: Diagnostic = { severity: 'error', summary, path, ...(range && { range }) }
      recordRotation(this.#evaluator, call, { status: 'failed', diagnostics: [diagnostic] })
      this.#evaluator.error(call, `rotate: ${summary}`)
      return undefined
    }
  }
}

function recordRotation(
  evaluator: Evaluator,
  call: CallNode,
  rotation: Pick<Rotation, 'status' | 'patch'> & { diagnostics?: Diagnostic[] },
): void {
  const path = formatPropertyPath(callSegments(call.expression))
  evaluator.session.rotations.push({ path, diagnostics: [], ...rotation })
}

function isSelected(call: CallExpression, evaluator: Evaluator): boolean {
  if (!evaluator.rotating) return false
  const { selected } = evaluator.session
  return selected === undefined || selected.has(call)
}

/** Where the state of a call is kept, from the document's root. */
export function statePath(call: CallExpression): string {
  return formatPropertyPath([...callSegments(call), call.name.value, 'state'])
}

/** The rotator of a call; undefined, with the reason reported at the call, when there is none. */
export async function loadRotator(
  call: CallNode,
  name: string,
  evaluator: Evaluator,
): Promise<RotateFunction | undefined> {
  try {
    const { answers, host } = evaluator.session
    return await answers.ask(call.expression, 'rotator', () => host.loadRotator(name))
  } catch (error) {
    evaluator.error(call, reasonOf(error))
    return undefined
  }
}
