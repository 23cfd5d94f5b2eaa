/** Whatever the bytes: an answer in bounded time, never an exception. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { calls, check, load, open, rotate, sealSecrets, toJSON, toWire } from '../../language/index.ts'
import { conceal, testHost, values } from './support.ts'

const SEED_TEXTS = [
  'imports: [base, {other: {merge: false}}]\nvalues:\n  a: {fn::open::echo: {x: "${b[0].c}"}}\n  b: [{c: 1}]\n',
  values(
    'a: {fn::rotate::pg: {inputs: {x: "${a}"}, state: {y: {fn::secret: z}}}}\nb: "${environments.p.e.x} $${"',
  ),
  values(
    'x: {fn::validate: {schema: {$ref: "#/$defs/a", $defs: {a: {oneOf: [{type: string}, true]}}}, value: "${y.z}"}}',
  ),
  values(
    'j: {fn::fromJSON: "[1, {\\"a\\": null}]"}\nk: {fn::join: [",", {fn::split: [",", "a,b"]}]}\nf: {fn::final: {a: "${j[1]}"}}',
  ),
  'values: &a\n  ? k\n  : |+\n    text\n\n  l: >-\n    more\n  "q": !!str 1\n---\nsecond',
]
const SNIPPETS = [
  '${',
  '}',
  'fn::secret: ',
  'fn::open',
  '[',
  ']',
  '{',
  '}',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '"',
  "'",
  '|',
  '>',
  '&a ',
  '*a',
  '!!int ',
  '#',
  '$$',
  '\t',
  '\u0000',
  '😀',
  '.',
  ',',
  '__proto__: ',
  'null',
  '~',
  '%YAML 1.1\n',
  '---\n',
  '...\n',
]

const mutated = fc
  .record({
    text: fc.constantFrom(...SEED_TEXTS),
    changes: fc.array(
      fc.record({ at: fc.nat(200), remove: fc.nat(4), insert: fc.constantFrom('', ...SNIPPETS) }),
      { maxLength: 6 },
    ),
  })
  .map(({ text, changes }) =>
    changes.reduce((result, { at, remove, insert }) => {
      const start = at % (result.length + 1)
      return result.slice(0, start) + insert + result.slice(start + remove)
    }, text),
  )
const random = fc.oneof(
  mutated,
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.constantFrom(...SNIPPETS), { maxLength: 30 }).map((parts) => `values: ${parts.join('')}`),
)

it('always answers', async () => {
  await fc.assert(
    fc.asyncProperty(random, async (text) => {
      const { document, diagnostics } = load('e', text)
      expect(document !== null || diagnostics.length > 0).toBe(true)
      for (const call of calls(document)) expect(call.docPath).toMatch(/^values/)
      for (const mode of [check, open, rotate]) {
        const { environment } = await mode(
          document,
          testHost({ environments: { base: SEED_TEXTS[1]! }, rotators: { pg: {} } }),
        )
        // infinities are values that JSON does not have
        if (!/\.(inf|nan)/i.test(text)) toWire(environment)
        if (!/\.(inf|nan)/i.test(text)) toJSON(environment, { redact: true })
      }
      if (document) expect(typeof (await sealSecrets(text, conceal))).toBe('string')
    }),
    { numRuns: 1500, seed: 20_260_101 },
  )
}, 120_000)
