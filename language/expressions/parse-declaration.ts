/** The document itself: `description`, `imports` and `values`, and what is wrong with them. */
import type { Diagnostic } from '../diagnostic.ts'
import { byEditDistance } from '../../model/suggest.ts'
import { quote } from '../encoding/quote.ts'
import type { ObjectEntry, ObjectNode, SyntaxNode } from '../syntax/node.ts'
import { pathText } from '../syntax/path.ts'
import type { Declaration, ImportDeclaration, ObjectExpression } from './expression.ts'
import { limits } from '../limits.ts'
import { addBounded, ExpressionParser } from './parse-expression.ts'

const FIELDS = ['description', 'imports', 'values']
const RESERVED = new Set(['imports', 'context', 'environments'])

export function parseDeclaration(root: SyntaxNode | null): {
  declaration: Declaration
  diagnostics: Diagnostic[]
  /** How many values there are, at any depth. */
  valueCount: number
} {
  const parser = new ExpressionParser()
  const declaration: Declaration = {
    imports: [],
    hasImports: false,
    values: emptyObject(),
    hasValues: false,
    declarationDiagnostics: parser.duplicates,
    rotateCalls: parser.rotateCalls,
    openCalls: 0,
    environmentReferences: 0,
  }
  if (root && root.kind !== 'object') parser.error(root, 'environment must be an object')
  if (root?.kind === 'object') readFields(root, declaration, parser)
  const { diagnostics, valueCount, openCalls, environmentReferences } = parser
  return { declaration: { ...declaration, openCalls, environmentReferences }, diagnostics, valueCount }
}

/** Of repeated fields the last one counts; what is wrong with the others is reported too. */
function readFields(root: ObjectNode, declaration: Declaration, parser: ExpressionParser): void {
  const spellings = new Set<string>()
  for (const entry of root.entries) {
    const spelling = entry.key.value
    if (spellings.has(spelling)) warn(parser, entry, `duplicate key ${quote(spelling)}`)
    spellings.add(spelling)
    const field = FIELDS.find((name) => name === spelling.toLowerCase())
    if (field === 'description') readDescription(entry.value, parser)
    else if (field === 'imports') readImports(entry.value, declaration, parser)
    else if (field === 'values') readValues(entry.value, declaration, parser)
    else if (parser.diagnostics.length <= limits.diagnostics) {
      const existing = byEditDistance(
        spelling,
        FIELDS.map((name) => `'${name}'`),
      ).join(', ')
      warn(
        parser,
        entry,
        `Field '${spelling}' does not exist on Object 'environment'. Existing fields are: ${existing}`,
      )
    }
  }
}

function warn(parser: ExpressionParser, { key }: ObjectEntry, summary: string): void {
  addBounded(parser.diagnostics, { severity: 'warning', summary, path: pathText(key.path), range: key.range })
}

function readDescription(node: SyntaxNode, parser: ExpressionParser): void {
  if (parser.expression(node).kind !== 'string') parser.error(node, 'description must be a string')
}

function readImports(node: SyntaxNode, declaration: Declaration, parser: ExpressionParser): void {
  declaration.imports = []
  declaration.hasImports = false
  if (node.kind !== 'array') {
    parser.error(node, 'imports must be a list')
    return
  }
  declaration.hasImports = node.items.length > 0
  for (const item of node.items) {
    const read = readImport(item, parser)
    if (read) declaration.imports.push(read)
  }
}

function readImport(node: SyntaxNode, parser: ExpressionParser): ImportDeclaration | undefined {
  if (node.kind === 'string') return { name: node.value, merge: true, syntax: node }
  if (node.kind !== 'object') {
    parser.error(node, 'import must be a string or an object')
    return undefined
  }
  const [entry] = node.entries
  if (!entry || node.entries.length !== 1) {
    parser.error(node, 'import must have a single key')
    return undefined
  }
  return { name: entry.key.value, merge: readMerge(entry.value, parser), syntax: entry.key }
}

function readMerge(options: SyntaxNode, parser: ExpressionParser): boolean {
  if (options.kind !== 'object') {
    parser.error(options, 'import must be an object')
    return true
  }
  const seen = new Set<string>()
  let merge = true
  for (const entry of options.entries) {
    if (seen.has(entry.key.value)) warn(parser, entry, `duplicate key ${quote(entry.key.value)}`)
    seen.add(entry.key.value)
    if (entry.key.value.toLowerCase() !== 'merge') continue
    const given = parser.expression(entry.value)
    merge = given.kind === 'boolean' && given.value
    if (given.kind !== 'boolean') parser.error(entry.value, 'merge must be a boolean value')
  }
  return merge
}

function readValues(node: SyntaxNode, declaration: Declaration, parser: ExpressionParser): void {
  // other implementations give the values as a whole no place of their own, and neither do traces here
  const values = emptyObject()
  declaration.values = values
  declaration.hasValues = false
  parser.forget()
  if (node.kind !== 'object') {
    parser.error(node, 'values must be an object')
    return
  }
  declaration.hasValues = node.entries.length > 0
  for (const { key, value } of node.entries) {
    const name = key.value
    if (name.startsWith('fn::')) {
      parser.error(key, `builtin function call ${quote(name)} not allowed at the top level`)
    }
    if (RESERVED.has(name)) {
      parser.skipped(value)
      parser.duplicate(key, `${quote(name)} is a reserved key`)
    } else {
      parser.declare(values, key, name, value)
    }
  }
}

function emptyObject(): ObjectExpression {
  return { kind: 'object', properties: new Map(), keyRanges: new Map() }
}
