import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redactor } from '../../cli/redact.ts'

async function redacted(secrets: string[], chunks: string[]): Promise<string> {
  const stream = redactor(secrets)
  const shown: Buffer[] = []
  stream.on('data', (chunk: Buffer) => shown.push(chunk))
  const ended = new Promise((resolve) => stream.once('end', resolve))
  for (const chunk of chunks) stream.write(Buffer.from(chunk))
  stream.end()
  await ended
  return Buffer.concat(shown).toString()
}

test.each<[string[], string[], string]>([
  [['hunter2'], ['a hunter2 b hunter2'], 'a [secret] b [secret]'],
  [['hunter2'], ['a hun', 'ter', '2 b'], 'a [secret] b'],
  [['hunter2'], ['hunter', '3'], 'hunter3'],
  [['hunter2'], ['a hunter'], 'a hunter'],
  [['abc', 'abcdef'], ['abcdef abc'], '[secret] [secret]'],
  [['abcabd'], ['abc', 'abcabd'], 'abc[secret]'],
  [['ab', ''], ['ab'], 'ab'],
  [['line one\nline two\n'], ['> line two <'], '> [secret] <'],
  [['pässwörd'], ['xpässwörd'], 'x[secret]'],
])('secrets %j in %j', async (secrets, chunks, expected) => {
  expect(await redacted(secrets, chunks)).toBe(expected)
})

test('however the output is cut, it comes out the same, without any secret', async () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 3, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(letters, { minLength: 1, maxLength: 3 }),
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 9 }), { maxLength: 6 }),
      async (secrets, chunks) => {
        const cut = await redacted(secrets, chunks)
        expect(cut).toBe(await redacted(secrets, [chunks.join('')]))
        for (const secret of secrets) expect(cut.replaceAll('[secret]', '|')).not.toContain(secret)
      },
    ),
  )
})
