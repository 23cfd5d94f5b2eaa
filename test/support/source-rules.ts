/** The rules of the source tree, as a function of paths and texts: test/architecture.test.ts holds the tree to them. */
import { posix } from 'node:path'

export interface SourceFile {
  /** Relative to the root, with slashes. */
  path: string
  text: string
}

interface Import {
  from: string
  to: string
  /** Erased before anything runs: `import type`, `export type`. */
  typeOnly: boolean
}

/** An import reaches only into a line above; folders of one line do not know each other. */
const LAYERS = [
  ['config', 'model'],
  ['telemetry', 'language', 'rotators', 'store'],
  ['environments', 'connector'],
  ['activities'],
  ['workflows'],
  ['client'],
  ['server', 'worker'],
  ['embedded'],
  ['cli'],
]
/** Nothing of ours is imported by these, and they stand outside the order. */
const OUTSIDE = ['test', 'bench', 'demo']
const SQL_PACKAGES = ['kysely', 'pg', 'mysql2']
// The embedded server is administered where it is started: readiness, new databases.
const SQL_HOMES = ['store/', 'rotators/', 'embedded/postgres.ts']
const EMPTY_NAMES = /^(utils?|common|helpers?|misc)$/
const WORKFLOW_LINES = 120
const WORKFLOW_PACKAGES = ['@temporalio/workflow', '@temporalio/common']

/** One line for each breach: where, and what to do instead. */
export function breaches(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => path.endsWith('.ts'))
  const imports = sources.flatMap(importsOf)
  return [
    ...imports.flatMap(wrongDirection),
    ...imports.flatMap(wrongInWorkflow),
    ...imports.flatMap(sqlElsewhere),
    ...sources.flatMap(environmentElsewhere),
    ...sources.flatMap(longWorkflow),
    ...files.flatMap(emptyName),
    ...unregisteredRotators(sources, imports),
  ]
}

/** All imports and re-exports; relative ones as paths from the root. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const statement =
    /^\s*(import|export)\s+(type\s+)?(?:[\w*{][^'"`;=]*?\bfrom\s*)?['"]([^'"\n]+)['"]|\b(?:import|require|import\.meta\.resolve)\s*\(\s*['"`]([^'"`]+)['"`]/gm
  return [...withoutComments(text).matchAll(statement)].map(([, , type, named, called]) => {
    const target = named ?? called ?? ''
    const to = target.startsWith('.') ? posix.join(posix.dirname(path), target) : target
    return { from: path, to, typeOnly: type !== undefined }
  })
}

function wrongDirection({ from, to }: Import): string[] {
  const [source, target] = [folderOf(from), folderOf(to)]
  if (OUTSIDE.includes(source) || source === target) return []
  if (OUTSIDE.includes(target)) return [`${from} imports ${to}: nothing that is shipped imports ${target}/`]
  const [sourceLayer, targetLayer] = [layerOf(source), layerOf(target)]
  if (target === 'web' || (source === 'web' && targetLayer >= 0))
    return [`${from} imports ${to}: web/ and the rest know each other by the HTTP API only`]
  if (sourceLayer < 0 || targetLayer < 0 || targetLayer < sourceLayer) return []
  return [
    `${from} imports ${to}: ${source}/ may only import from ${LAYERS.slice(0, sourceLayer).flat().join(', ') || 'nothing of ours'}`,
  ]
}

function wrongInWorkflow({ from, to, typeOnly }: Import): string[] {
  if (folderOf(from) !== 'workflows') return []
  const allowed = [...WORKFLOW_PACKAGES, 'model', 'workflows', ...(typeOnly ? ['activities'] : [])]
  const target = layerOf(folderOf(to)) >= 0 ? folderOf(to) : to
  if (allowed.includes(target)) return []
  return [
    `${from} imports ${to}: workflows take types from activities/, values from model/ and ${WORKFLOW_PACKAGES.join(', ')}`,
  ]
}

function sqlElsewhere({ from, to }: Import): string[] {
  if (OUTSIDE.includes(folderOf(from)) || SQL_HOMES.some((home) => from.startsWith(home))) return []
  return SQL_PACKAGES.some((name) => to === name || to.startsWith(`${name}/`))
    ? [`${from} imports ${to}: SQL belongs into store/ or a rotator`]
    : []
}

function environmentElsewhere({ path, text }: SourceFile): string[] {
  if (['config', 'test'].includes(folderOf(path))) return []
  const reads =
    /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env|\{[^}]*\benv\b[^}]*\}\s*(=\s*process\b|from\s*['"](node:)?process['"])/
  return reads.test(withoutComments(text)) ? [`${path} reads process.env: only config/ does`] : []
}

function longWorkflow({ path, text }: SourceFile): string[] {
  const lines = text.trimEnd().split('\n').length
  return folderOf(path) === 'workflows' && lines > WORKFLOW_LINES
    ? [
        `${path} has ${lines} lines: a workflow stays under ${WORKFLOW_LINES}, so that its story fits a screen`,
      ]
    : []
}

function emptyName({ path }: SourceFile): string[] {
  const empty = path.split('/').find((part) => EMPTY_NAMES.test(part.split('.')[0] ?? ''))
  return empty ? [`${path}: "${empty}" says nothing, name it after what it does`] : []
}

function unregisteredRotators(sources: readonly SourceFile[], imports: readonly Import[]): string[] {
  const registered = imports.filter(({ from, typeOnly }) => from === 'rotators/index.ts' && !typeOnly)
  return sources
    .map(({ path }) => path)
    .filter((path) => /^rotators\/[^/]+\.ts$/.test(path) && !/\/(rotator|index)\.ts$/.test(path))
    .filter((path) => !registered.some(({ to }) => to === path))
    .map((path) => `${path} is not in the registry rotators/index.ts`)
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder))
}

/** Without what only people read. Strings are passed over as a whole: an address or a glob in one opens no comment. */
function withoutComments(text: string): string {
  const stringOrComment =
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/.*$/gm
  return text.replace(stringOrComment, (_, string: string | undefined) => string ?? '')
}
