/** A definition's text, parsed once: its declaration, ready to be evaluated any number of times. */
import { hasErrors, type Diagnostic } from './diagnostic.ts'
import type { Declaration } from './expressions/expression.ts'
import { parseDeclaration } from './expressions/parse-declaration.ts'
import { parseSyntax } from './syntax/parse-syntax.ts'

export interface ParsedDocument {
  /** The environment's name, as diagnostics and `${context…}` show it. */
  name: string
  declaration: Declaration
}

/** No document when the text is no YAML, too large, too deep, or no object at all. */
export function parseDocument(
  name: string,
  text: string,
): { document: ParsedDocument | null; diagnostics: Diagnostic[] } {
  const syntax = parseSyntax(name, text)
  if (hasErrors(syntax.diagnostics)) return { document: null, diagnostics: syntax.diagnostics }
  const { declaration, diagnostics } = parseDeclaration(syntax.root)
  return { document: { name, declaration }, diagnostics }
}
