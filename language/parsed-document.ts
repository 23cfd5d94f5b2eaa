/** A definition's text, parsed once: its declaration, ready to be evaluated any number of times. */
import { hasErrors, type Diagnostic } from './diagnostic.ts'
import type { Declaration } from './expressions/expression.ts'
import { parseDeclaration } from './expressions/parse-declaration.ts'
import { limits } from './limits.ts'
import { parseSyntax } from './syntax/parse-syntax.ts'

declare const opaque: unique symbol

/** A parsed definition. Immutable; may be kept and evaluated many times, by many evaluations at once. */
export interface Document {
  readonly [opaque]: true
}

export interface ParsedDocument {
  /** The environment's name, as diagnostics and `${context…}` show it. */
  name: string
  declaration: Declaration
}

/** No document when the text is no YAML, too large or too deep. */
export function parseDocument(
  name: string,
  text: string,
): { document: ParsedDocument | null; diagnostics: Diagnostic[] } {
  const syntax = parseSyntax(name, text)
  if (hasErrors(syntax.diagnostics) && !syntax.blank) {
    return { document: null, diagnostics: syntax.diagnostics }
  }
  const { declaration, diagnostics, valueCount } = parseDeclaration(syntax.root)
  if (valueCount > limits.values) {
    const summary = `a definition is limited to ${limits.values} values; this one has ${valueCount}`
    return { document: null, diagnostics: [{ severity: 'error', summary, path: '' }] }
  }
  return { document: { name, declaration }, diagnostics: [...syntax.diagnostics, ...diagnostics] }
}
