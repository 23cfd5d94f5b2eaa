/** Shows what is wrong with a definition: where, why, and the line itself. */
import type { Diagnostic, Range } from '../model/diagnostic.ts'
import type { Context } from './context.ts'
import { note, styled } from './output.ts'

/** Texts of definitions by the names that ranges use (`project/env`). */
export type Sources = Readonly<Record<string, string | undefined>>

export function showDiagnostics(context: Context, diagnostics: Diagnostic[], sources: Sources = {}): void {
  for (const diagnostic of diagnostics)
    for (const line of linesOf(context, diagnostic, sources)) note(context, line)
}

function linesOf(
  context: Context,
  { severity, summary, path, range: given }: Diagnostic,
  sources: Sources,
): string[] {
  const range = given ?? rangeInWords(summary, sources)
  const isError = severity !== 'warning'
  const label = styled(context, 'errors', isError ? 'red' : 'yellow', isError ? 'error' : 'warning')
  if (!range || range.begin.line === 0) return [`${path ? `${path}: ` : ''}${label}: ${summary}`]
  const { line, column } = range.begin
  const shown = [`${range.environment ?? ''}:${line}:${column}: ${label}: ${summary}`]
  const text = sources[range.environment ?? '']?.split(/\r?\n/)[line - 1]
  if (text === undefined) return shown
  const number = String(line)
  const last = range.end.line === line ? range.end.column : text.length + 1
  const marker = ' '.repeat(Math.max(0, column - 1)) + '^'.repeat(Math.max(1, last - column))
  return [
    ...shown,
    `  ${number} | ${text.replaceAll('\t', ' ')}`,
    `  ${' '.repeat(number.length)} | ${marker}`,
  ]
}

/** Text that is no YAML has its place in the words alone. */
function rangeInWords(summary: string, sources: Sources): Range | undefined {
  const [, line, column = '1'] = /^yaml: line (\d+)(?:, column (\d+))?/.exec(summary) ?? []
  const [environment] = Object.keys(sources)
  if (line === undefined || environment === undefined) return undefined
  const begin = { line: Number(line), column: Number(column), byte: 0 }
  return { environment, begin, end: { ...begin, column: begin.column + 1 } }
}
