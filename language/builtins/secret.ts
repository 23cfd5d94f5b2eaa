/** `fn::secret`: a literal that is secret, in clear or sealed. */
import { reasonOf } from '../diagnostic.ts'
import { openEnvelope } from '../encoding/envelope.ts'
import { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { accept } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import type { SyntaxNode } from '../syntax/node.ts'
import type { Builtin } from './builtin.ts'

export const secret: Builtin = {
  name: 'fn::secret',
  resultSchema: STRING_SCHEMA,
  exported: 'value',
  argumentSchema: () => true,
  parse(argument, _name, reader) {
    const sealed = ciphertextOf(argument)
    const ciphertext = sealed && reader.expression(sealed)
    if (ciphertext?.kind === 'string') return { parts: { ciphertext } }
    const plaintext = argument.kind === 'string' ? reader.expression(argument) : undefined
    if (plaintext?.kind === 'string') return { parts: { plaintext } }
    if (!sealed && !plaintext) reader.skipped(argument)
    reader.error(argument, 'secret values must be string literals')
    return { parts: { plaintext: { kind: 'string', value: '' } } }
  },
  async evaluate(call, evaluator) {
    const { ciphertext } = call.expression.parts
    if (!ciphertext) return evaluator.evaluate(call.argument('plaintext'), accept(STRING_SCHEMA))
    const sealed = new EvaluatedValue({ def: call, schema: STRING_SCHEMA, secret: true, unknown: true })
    const source = ciphertext.syntax?.kind === 'string' ? ciphertext.syntax.value : ''
    const bytes = openEnvelope(source)
    if (typeof bytes === 'string') {
      evaluator.error(call, `invalid ciphertext: ${bytes}`)
      return sealed
    }
    if (evaluator.validating && !evaluator.session.showSecrets) return sealed
    try {
      const { answers } = evaluator.session
      const plaintext = await answers.ask(call.expression, 'decrypt', () => evaluator.decrypt(bytes))
      return sealed.with({ unknown: false, repr: Buffer.from(plaintext).toString() })
    } catch (error) {
      evaluator.error(call, `decrypting: ${reasonOf(error)}`)
      return sealed
    }
  },
}

/** The literal under `{ciphertext: …}`, where the argument is that. */
export function ciphertextOf(argument: SyntaxNode): SyntaxNode | undefined {
  const entry = argument.kind === 'object' && argument.entries.length === 1 ? argument.entries[0] : undefined
  return entry?.key.value === 'ciphertext' && entry.value.kind === 'string' ? entry.value : undefined
}
