/** Random definitions that mean something: references, calls and imports that mostly lead somewhere. */
import fc from 'fast-check'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'k']
const name = fc.constantFrom(...NAMES)

/** What a definition may hold beside its references; `secrets` is the text of every secret in it. */
export interface Options {
  secret: string
  imports: readonly string[]
}

type Json = unknown

/** The `values` of a definition, as data. */
export function randomValues({ secret, imports }: Options): fc.Arbitrary<Record<string, Json>> {
  const reference = fc.oneof(
    { weight: 5, arbitrary: name.map((first) => `\${${first}}`) },
    { weight: 4, arbitrary: fc.tuple(name, name).map(([first, second]) => `\${${first}.${second}}`) },
    { weight: 1, arbitrary: name.map((first) => `\${${first}[0]}`) },
    ...(imports.length === 0
      ? []
      : [
          fc.tuple(fc.constantFrom(...imports), name).map(([from, key]) => `\${imports["${from}"].${key}}`),
          fc
            .tuple(fc.constantFrom(...imports), name)
            .map(([from, key]) => `\${environments.${from.replace('/', '.')}.${key}}`),
        ]),
  )
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('x', 'one two', '', '7') },
    { weight: 4, arbitrary: reference },
    { weight: 2, arbitrary: reference.map((inner) => `<${inner}>`) },
  )
  const call = (builtin: string, argument: fc.Arbitrary<Json>) =>
    argument.map((inner) => ({ [builtin]: inner }))
  return fc.letrec<{ value: Json; object: Record<string, Json> }>((tie) => ({
    object: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 6, arbitrary: text },
      { weight: 2, arbitrary: fc.constantFrom<Json>(1, 2.5, true, null) },
      { weight: 2, arbitrary: fc.constant<Json>({ 'fn::secret': secret }) },
      { weight: 4, arbitrary: tie('object') },
      { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
      { weight: 3, arbitrary: call('fn::open::echo', tie('object')) },
      { weight: 1, arbitrary: call('fn::open::fails', tie('object')) },
      { weight: 1, arbitrary: call('fn::rotate::any', fc.record({ inputs: tie('object') })) },
      { weight: 1, arbitrary: call('fn::final', tie('value')) },
      { weight: 1, arbitrary: call('fn::toJSON', tie('value')) },
      { weight: 1, arbitrary: call('fn::toString', tie('value')) },
      {
        weight: 1,
        arbitrary: call('fn::fromJSON', fc.constant({ 'fn::secret': `{"k": ["${secret}"]}` })),
      },
      { weight: 1, arbitrary: call('fn::split', fc.tuple(fc.constant(' '), text)) },
      {
        weight: 1,
        arbitrary: call('fn::join', fc.tuple(fc.constant('-'), fc.array(text, { maxLength: 3 }))),
      },
      {
        weight: 1,
        arbitrary: call('fn::concat', fc.array(fc.array(tie('value'), { maxLength: 2 }), { maxLength: 2 })),
      },
      {
        weight: 1,
        arbitrary: call(
          'fn::validate',
          fc.record({
            schema: fc.constantFrom<Json>(
              { type: 'string' },
              { const: 'x' },
              { const: { 'fn::secret': secret } },
              { pattern: { 'fn::secret': secret } },
              { type: 'object', additionalProperties: false },
            ),
            value: tie('value'),
          }),
        ),
      },
    ),
  })).object
}

/** A definition and everything that it may import, each by its name; the first one is the root. */
export function randomEnvironments(
  secret: string,
): fc.Arbitrary<{ root: string; environments: Record<string, string> }> {
  const names = ['p/one', 'p/two', 'p/three']
  const definition = (from: readonly string[]) =>
    fc.record({ imports: fc.subarray([...from]), values: randomValues({ secret, imports: from }) })
  return fc
    .record({
      root: definition(names),
      one: definition(['p/two', 'p/three', 'p/nope']),
      two: definition(['p/three', 'p/one']),
      three: definition([]),
    })
    .map(({ root, one, two, three }) => ({
      root: JSON.stringify(root),
      environments: {
        'p/one': JSON.stringify(one),
        'p/two': JSON.stringify(two),
        'p/three': JSON.stringify(three),
      },
    }))
}

/** The same data with the keys of every object the other way round, but where there are several spellings of one. */
export function reversed(data: Json): Json {
  if (Array.isArray(data)) return data.map(reversed)
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data)
      .toReversed()
      .map(([key, value]) => [key, reversed(value)]),
  )
}
