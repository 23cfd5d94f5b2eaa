/** The few pieces of Markdown that generated pages are made of. Knows nothing of what they say. */

const MADE = '<!-- Written by docs/generate.ts from the code; edit that, and run "make docs". -->'

export function page(title: string, parts: string[]): string {
  return [MADE, `# ${title}`, ...parts].join('\n\n')
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

export function fence(language: string, text: string): string {
  return ['```' + language, text.trimEnd(), '```'].join('\n')
}
