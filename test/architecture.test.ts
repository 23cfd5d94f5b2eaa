import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { breaches, importsOf, type SourceFile } from './support/source-rules.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NOT_OURS = /^(node_modules|dist|coverage|\..*)$/

function sourceTree(folder = ROOT): SourceFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.test(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourceTree(path)
    return [{ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }]
  })
}

test('the source tree keeps its rules', () => {
  const tree = sourceTree()
  // A scan that found nothing would find no breach either.
  const edges = tree.filter(({ path }) => path.endsWith('.ts')).flatMap(importsOf)
  expect(edges).toContainEqual({ from: 'embedded/install.ts', to: 'config/index.ts', typeOnly: false })
  expect(edges).toContainEqual({ from: 'embedded/postgres.ts', to: 'pg', typeOnly: false })
  expect(breaches(tree)).toEqual([])
})

describe('a breach is found', () => {
  test.each<[string, string, string, RegExp]>([
    [
      'an import to the right',
      'store/a.ts',
      `import { b } from '../server/b.ts'`,
      /may only import from config, model/,
    ],
    ['a type from the right', 'model/a.ts', `import type { B } from '../store/b.ts'`, /nothing of ours/],
    ['a sibling', 'language/a.ts', `import { b } from '../rotators/index.ts'`, /language\/ may only import/],
    [
      'a sibling below another',
      'rotators/logins/a.ts',
      `import { b } from '../../store/b.ts'`,
      /rotators\/ may only/,
    ],
    [
      'server and worker',
      'server/a.ts',
      `import {\n  b,\n  c,\n} from '../worker/b.ts'`,
      /server\/ may only import/,
    ],
    ['a re-export', 'config/a.ts', `export * from '../model/b.ts'`, /config\/ may only import/],
    ['a named re-export', 'store/a.ts', `export { b } from '../client/b.ts'`, /store\/ may only import/],
    ['an import for its effect', 'client/a.ts', `import '../cli/b.ts'`, /client\/ may only import/],
    [
      'a dynamic import',
      'activities/a.ts',
      `const b = await import('../client/b.ts')`,
      /activities\/ may only/,
    ],
    [
      'a default import',
      'environments/a.ts',
      `import b from '../activities/b.ts'`,
      /environments\/ may only/,
    ],
    [
      'a namespace import',
      'worker/a.ts',
      `import * as b from '../embedded/b.ts'`,
      /worker\/ may only import/,
    ],
    [
      'test code in the product',
      'cli/a.ts',
      `import { b } from '../test/support/b.ts'`,
      /nothing that is shipped/,
    ],
    ['the store behind the pages', 'web/a.ts', `import { b } from '../store/b.ts'`, /HTTP API only/],
    ['the pages behind the server', 'server/a.ts', `import { b } from '../web/b.ts'`, /HTTP API only/],
    [
      'activity code in a workflow',
      'workflows/a.ts',
      `import { b } from '../activities/b.ts'`,
      /workflows take types/,
    ],
    [
      'an inline type is no type import',
      'workflows/a.ts',
      `import { type B } from '../activities/b.ts'`,
      /take types/,
    ],
    [
      'store types in a workflow',
      'workflows/a.ts',
      `import type { B } from '../store/b.ts'`,
      /workflows take types/,
    ],
    [
      'a Node module in a workflow',
      'workflows/a.ts',
      `import { hash } from 'node:crypto'`,
      /workflows take types/,
    ],
    [
      'a package in a workflow',
      'workflows/a.ts',
      `import { Client } from '@temporalio/client'`,
      /workflows take types/,
    ],
    ['kysely elsewhere', 'server/a.ts', `import { sql } from 'kysely'`, /SQL belongs/],
    ['a part of kysely elsewhere', 'cli/a.ts', `import { Migrator } from 'kysely/migration'`, /SQL belongs/],
    ['pg elsewhere', 'embedded/dev.ts', `import pg from 'pg'`, /SQL belongs/],
    ['pg types elsewhere', 'activities/a.ts', `import type { Pool } from 'pg'`, /SQL belongs/],
    ['the environment', 'server/a.ts', `const port = process.env.PORT`, /only config\/ does/],
    ['the environment, all of it', 'bench/a.ts', `run({ ...process.env })`, /only config\/ does/],
    ['the environment by index', 'cli/a.ts', `const all = process['env']`, /only config\/ does/],
    ['the environment taken out', 'cli/a.ts', `const { argv, env } = process`, /only config\/ does/],
    ['the environment imported', 'cli/a.ts', `import { env } from 'node:process'`, /only config\/ does/],
    [
      'the environment after a glob',
      'cli/a.ts',
      `const a = 'x/**'; run(process.env) /* why */`,
      /only config\/ does/,
    ],
    [
      'the environment after an address',
      'cli/a.ts',
      `const a = ['http://b', process.env.C]`,
      /only config\/ does/,
    ],
    ['a long workflow', 'workflows/a.ts', 'line()\n'.repeat(121), /has 121 lines/],
    ['a folder named utils', 'server/utils/a.ts', '', /says nothing/],
    ['a file named helpers', 'test/support/helpers.ts', '', /says nothing/],
    ['a test of something named common', 'test/common.test.ts', '', /says nothing/],
    ['a file named misc, not TypeScript', 'docs/misc.md', '', /says nothing/],
    ['a rotator outside the registry', 'rotators/a.ts', '', /not in the registry/],
  ])('%s', (_, path, text, message) => {
    expect(breaches([{ path, text }])).toEqual([expect.stringMatching(message)])
  })

  test('a rotator whose type alone is in the registry', () => {
    const registry = { path: 'rotators/index.ts', text: `import type { A } from './a.ts'` }
    expect(breaches([registry, { path: 'rotators/a.ts', text: '' }])).toEqual([
      expect.stringContaining('rotators/a.ts'),
    ])
  })
})

describe('no breach', () => {
  test.each<[string, string, string]>([
    ['an import to the left', 'cli/a.ts', `import { b } from '../model/b.ts'`],
    ['an import within a folder', 'store/a.ts', `import { b } from './b.ts'`],
    ['tests import anything', 'test/a.test.ts', `import pg from 'pg'\nimport { b } from '../cli/b.ts'`],
    ['types of activities in a workflow', 'workflows/a.ts', `import type { B } from '../activities/b.ts'`],
    ['values of the model in a workflow', 'workflows/a.ts', `import { b } from '../model/b.ts'`],
    ['messages for those outside', 'client/a.ts', `import { b } from '../workflows/messages.ts'`],
    ['the store speaks SQL', 'store/a.ts', `import { sql } from 'kysely'`],
    ['a rotator speaks to its target', 'rotators/postgres/a.ts', `import pg from 'pg'`],
    ['a comment about the environment', 'server/a.ts', `// never reads process.env\n/* process.env */`],
    ['config reads the environment', 'config/a.ts', `export const all = process.env`],
    ['a workflow of 120 lines', 'workflows/a.ts', 'line()\n'.repeat(120)],
    ['a name that contains one', 'server/common-name.ts', ''],
  ])('%s', (_, path, text) => {
    expect(breaches([{ path, text }])).toEqual([])
  })

  test('a rotator in the registry', () => {
    const registry = { path: 'rotators/index.ts', text: `import { a } from './a.ts'` }
    expect(breaches([registry, { path: 'rotators/a.ts', text: '' }])).toEqual([])
  })
})
