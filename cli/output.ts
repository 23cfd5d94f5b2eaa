/** How results look: JSON for programs, tables for people, colours on a terminal only. */
import type { Context } from './context.ts'
import { formatJson } from './json.ts'

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Style = keyof typeof CODES

export function print(context: Context, text: string): void {
  context.output.write(text.endsWith('\n') ? text : `${text}\n`)
}

export function printJson(context: Context, value: unknown): void {
  print(context, formatJson(value))
}

/** For what people should know and programs need not: goes to stderr. */
export function note(context: Context, text: string): void {
  context.errors.write(`${text}\n`)
}

export function styled(context: Context, stream: 'output' | 'errors', style: Style, text: string): string {
  if (!context[stream].isTTY || !context.surroundings.colours || text === '') return text
  return `\u001b[${CODES[style]}m${text}\u001b[0m`
}

/** Columns under a heading; the last one may be as wide as it likes. */
export function printTable(context: Context, heading: string[], rows: string[][]): void {
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  print(context, styled(context, 'output', 'dim', line(heading)))
  for (const row of rows) print(context, line(row))
}

/** A time as the person's clock shows it; `never` where there is none. */
export function localTime(time: string | null | undefined): string {
  const date = new Date(time || NaN)
  if (Number.isNaN(date.getTime())) return 'never'
  const two = (part: number) => String(part).padStart(2, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  )
}
