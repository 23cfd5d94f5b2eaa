/** Runs every example of docs/language.md: definitions, then what the last of them opens to, then what is reported. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { load, open, toJSON } from '../../language/index.ts'
import { limits } from '../../language/limits.ts'
import { findRotator } from '../../rotators/index.ts'
import { testHost } from './support.ts'

const GUIDE = readFileSync(new URL('../../docs/language.md', import.meta.url), 'utf8')

interface Example {
  environments: Record<string, string>
  text: string
  json: string
  problems: string[]
}

function examples(): Example[] {
  const found: Example[] = []
  let environments: Record<string, string> = {}
  let text = ''
  for (const [, language, content = ''] of GUIDE.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const name = /^# (\S+\/\S+)\n/.exec(content)?.[1]
    if (language === 'yaml' && name !== undefined) environments[name] = content
    else if (language === 'yaml') text = content
    else if (language === 'json') {
      found.push({ environments, text, json: content, problems: [] })
      environments = {}
    } else found.at(-1)!.problems = content.trimEnd().split('\n')
  }
  return found
}

it('there are examples', () => {
  expect(examples().length).toBeGreaterThan(8)
})

it.each(examples())('$text', async ({ environments, text, json, problems }) => {
  const schema = findRotator('postgres')!
  const host = testHost({
    environments,
    rotators: { postgres: { inputs: schema.inputs, state: { type: 'object' } } },
  })
  const { document, diagnostics: loading } = load('app/prod', text)
  const { environment, diagnostics } = await open(document, host)
  expect(JSON.parse(toJSON(environment, { redact: true }))).toEqual(JSON.parse(json))
  expect([...loading, ...diagnostics].map(({ summary }) => summary)).toEqual(problems)
})

it('names the limits that there are', () => {
  expect(limits).toMatchObject({
    textBytes: 2 ** 20,
    nesting: 100,
    values: 10_000,
    environments: 128,
    layers: 256,
    producedText: 64 * 2 ** 20,
    steps: 1_000_000,
    diagnostics: 1000,
  })
  const rows = [...GUIDE.matchAll(/^\| .* \| ([\d,]+)( \w+)* +\|$/gm)].map(([, amount]) => amount)
  expect(rows).toEqual(['1', '100', '10,000', '128', '256', '64', '1,000,000', '1,000'])
})
