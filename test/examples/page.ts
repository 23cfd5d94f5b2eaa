/** The page of an example as a script: its SQL, and its commands line by line. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Line {
  /** As it stands on the page. */
  text: string
  /** The words behind `rekey`. */
  args: string[]
  /** The file that holds the token of whoever types it; the administrator where absent. */
  tokenFile: string | undefined
  /** Where its output goes. */
  outputFile: string | undefined
  /** The page says that it is refused. */
  isRefused: boolean
  /** Which of the page's blocks of commands it is in. */
  block: number
}

export interface Page {
  sql: string[]
  /** Of AWS. */
  policies: { Statement: unknown[] }[]
  lines: Line[]
  /** By block of commands: lines that the page shows below it, without those that hold an ellipsis. */
  shown: string[][]
  /** Commands of other programs, which are not run. */
  foreign: string[]
}

const COMMAND =
  /^(?:REKEY_TOKEN="\$\(cat (?<tokenFile>[\w-]+)\)" )?rekey (?<words>[^<>|&;$`]+?)(?: > (?<outputFile>[\w-]+))?(?<refused> \|\| echo "refused")?$/

/** @param folder with its README.md. @throws when a line is none that this understands */
export function readPage(folder: string): Page {
  const text = readFileSync(join(folder, 'README.md'), 'utf8')
  const page: Page = { sql: [], policies: [], lines: [], shown: [], foreign: [] }
  for (const [, language, block] of text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const lines = block!.split('\n').filter((line) => line.trim() !== '')
    if (language === 'sql') page.sql.push(...statementsOf(block!))
    if (language === 'json') page.policies.push(JSON.parse(block!) as Page['policies'][number])
    if (language === 'text') page.shown.at(-1)!.push(...lines.filter((line) => !line.includes('…')))
    if (language !== 'sh') continue
    const number = page.shown.push([]) - 1
    page.lines.push(...lines.filter(isOurs).map((line) => readLine(line, number)))
    page.foreign.push(...lines.filter((line) => !isOurs(line)))
  }
  return page
}

function isOurs(line: string): boolean {
  return /\brekey /.test(line.replace(/^(aws|sam) .*/, ''))
}

function statementsOf(block: string): string[] {
  const statements = block.replace(/^--.*$/gm, '').split(/;\s*$/m)
  return statements.filter((statement) => statement.trim() !== '')
}

function readLine(text: string, block: number): Line {
  const groups = COMMAND.exec(text)?.groups
  if (!groups) throw new Error(`the tests do not understand this line of the page: ${text}`)
  const words = groups['words']!.match(/"[^"]*"|\S+/g) ?? []
  return {
    text,
    args: words.map((word) => word.replace(/^"(.*)"$/, '$1')),
    tokenFile: groups['tokenFile'],
    outputFile: groups['outputFile'],
    isRefused: groups['refused'] !== undefined,
    block,
  }
}
