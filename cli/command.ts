/** How every command is declared: one line about it, an example, and `--json` where there is something to read. */
import type { Command } from 'commander'

export interface Declaration {
  /** Name and arguments as commander writes them: `get <env> [path]`. */
  usage: string
  about: string
  /** What a person would type. */
  examples: string[]
  /** Offers `--json`. */
  json?: boolean
}

/** Declares a command under another one; options and the action are the caller's. */
export function declare(parent: Command, { usage, about, examples, json }: Declaration): Command {
  const command = parent.command(usage).description(about)
  if (json) command.option('--json', 'print JSON for programs')
  const title = examples.length === 1 ? 'Example' : 'Examples'
  command.addHelpText('after', `\n${title}:\n${examples.map((line) => `  ${line}`).join('\n')}`)
  return command
}

/** A command that only holds others. */
export function group(parent: Command, name: string, about: string, example: string): Command {
  return parent.command(name).description(about).addHelpText('after', `\nExample:\n  ${example}`)
}
