/**
 * Definitions with what they mean, one thing each: `cases/<name>/definition.yaml`, what it imports beside it in
 * `imports/`, and `expected.yaml`. To see one of them and how it differs: `vitest run test/language/cases.test.ts -t <name>`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { check, load, open, rotate, toJSON, toWire, type Rotation } from '../../language/index.ts'
import { caseHost } from './case-host.ts'
import { problem } from './support.ts'

interface Expected {
  /** `open` when absent. */
  mode?: 'open' | 'check' | 'rotate'
  /** With `check`: sealed secrets are opened too. */
  showSecrets?: boolean
  /** Paths to rotate; all when absent. */
  paths?: string[]
  /** The values as JSON text, in clear. */
  json?: string
  /** As JSON text, secrets hidden. */
  redacted?: string
  /** `line:column text` of each diagnostic, in order; none when absent. */
  problems?: string[]
  /** What was asked of the host, sorted. */
  calls?: string[]
  rotations?: { path: string; status: string; docPath?: string; state?: string }[]
  /** Parts of the API's JSON by their path, e.g. `properties.a.trace`; what is not named may be anything. */
  wire?: Record<string, unknown>
}

const FOLDER = fileURLToPath(new URL('cases', import.meta.url))
const names = readdirSync(FOLDER).toSorted()

it('there are at least 150 of them', () => {
  expect(names.length).toBeGreaterThanOrEqual(150)
})

describe('case', () => {
  it.each(names)('%s', async (name) => {
    const folder = join(FOLDER, name)
    const expected = parse(readFileSync(join(folder, 'expected.yaml'), 'utf8')) as Expected
    const { wire, ...actual } = await evaluate(folder, expected)
    expect(actual).toEqual({ ...actual, problems: [], ...withoutOptions(expected) })
    for (const [path, part] of Object.entries(expected.wire ?? {})) {
      expect([path, at(wire, path)]).toEqual([path, part])
    }
  })
})

function withoutOptions({
  mode: _mode,
  showSecrets: _secrets,
  paths: _paths,
  wire: _wire,
  ...rest
}: Expected) {
  return rest
}

async function evaluate(folder: string, { mode = 'open', showSecrets = false, paths }: Expected) {
  const host = caseHost(importsOf(join(folder, 'imports')))
  const text = readFileSync(join(folder, 'definition.yaml'), 'utf8')
  const { document, diagnostics: loading } = load('app/prod', text)
  const run = { open, rotate, check }
  const { environment, diagnostics, ...rest } =
    mode === 'check'
      ? await check(document, host, { showSecrets })
      : await run[mode](document, host, paths ? { paths } : {})
  const problems = [...loading, ...diagnostics].map(problem)
  return {
    problems,
    json: written(() => toJSON(environment, { redact: false })),
    redacted: written(() => toJSON(environment, { redact: true })),
    calls: host.log.toSorted(),
    rotations: 'rotations' in rest ? (rest.rotations as Rotation[]).map(rotation) : [],
    wire: JSON.parse(written(() => toWire(environment))) as unknown,
  }
}

function written(write: () => string): string {
  try {
    return write()
  } catch (error) {
    return JSON.stringify((error as Error).message)
  }
}

function rotation({ path, status, patch }: Rotation) {
  if (!patch) return { path, status }
  const { trace: _trace, ...state } = patch.replacement
  return { path, status, docPath: patch.docPath, state: JSON.stringify(state) }
}

function importsOf(folder: string): Record<string, string> {
  try {
    const files = readdirSync(folder, { recursive: true }) as string[]
    return Object.fromEntries(
      files
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => [file.slice(0, -'.yaml'.length), readFileSync(join(folder, file), 'utf8')]),
    )
  } catch {
    return {}
  }
}

/** Nothing where the path leads nowhere. */
function at(wire: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], wire)
}
