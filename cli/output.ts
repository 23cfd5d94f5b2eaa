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

/** What other people named, without the characters by which a terminal is steered: they are shown by their numbers. */
export function shown(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => String.raw`\x` + character.charCodeAt(0).toString(16).padStart(2, '0'),
  )
}

/** How the words of outcomes look wherever they stand alone. */
export const OUTCOME_STYLES: Readonly<Record<string, Style>> = {
  succeeded: 'green',
  failed: 'red',
  refused: 'red',
  unknown: 'yellow',
  missed: 'yellow',
  skipped: 'dim',
  paused: 'yellow',
}

export function styled(context: Context, stream: 'output' | 'errors', style: Style, text: string): string {
  const { colours } = context.surroundings
  if (text === '' || colours === 'never' || (colours === 'terminal' && !context[stream].isTTY)) return text
  return `\u001b[${CODES[style]}m${text}\u001b[0m`
}

/**
 * Columns under a heading; the last one may be as wide as it likes. Outcomes have their colours. `whenEmpty` goes to
 * stderr when there are no rows.
 */
export function printTable(context: Context, heading: string[], cells: string[][], whenEmpty?: string): void {
  const rows = cells.map((row) => row.map(shown))
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const line = (row: string[], look: (cell: string) => string) =>
    row
      .map((cell, column) => {
        const isLast = row.slice(column + 1).every((later) => later === '')
        return look(cell) + (isLast ? '' : ' '.repeat((widths[column] ?? 0) - cell.length))
      })
      .join('  ')
      .trimEnd()
  print(context, styled(context, 'output', 'dim', line(heading, String)))
  for (const row of rows)
    print(
      context,
      line(row, (cell) => colourOutcome(context, cell)),
    )
  if (rows.length === 0 && whenEmpty !== undefined) note(context, whenEmpty)
}

function colourOutcome(context: Context, cell: string): string {
  const style = Object.hasOwn(OUTCOME_STYLES, cell) ? OUTCOME_STYLES[cell] : undefined
  return style ? styled(context, 'output', style, cell) : cell
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
