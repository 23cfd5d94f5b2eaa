/** How every command is declared: one line about it, examples, and `--json` where there is something to read. */
import type { Command } from 'commander'

export interface Declaration {
  /** Name and arguments as commander writes them: `get <env> [path]`. An argument `env` is completed by the shells. */
  usage: string
  about: string
  /** What a person would type. */
  examples: string[]
  /** Offers `--json`. */
  json?: boolean
  /** The exit codes that mean something of their own here. */
  exitCodes?: readonly ExitCode[]
}

export interface ExitCode {
  code: string
  meaning: string
}

const declarations = new WeakMap<Command, Partial<Declaration>>()

/** Declares a command under another one; options and the action are the caller's. */
export function declare(parent: Command, declaration: Declaration): Command {
  const { usage, about, examples, json, exitCodes = [] } = declaration
  const command = parent.command(usage).description(about)
  if (json) command.option('--json', 'print JSON for programs')
  declarations.set(command, declaration)
  return command.addHelpText('after', exampleHelp(examples) + exitCodeHelp(exitCodes))
}

/** A command that only holds others. */
export function group(parent: Command, name: string, about: string, example: string): Command {
  const command = parent.command(name).description(about)
  declarations.set(command, { examples: [example] })
  return command.addHelpText('after', exampleHelp([example]))
}

export function examplesOf(command: Command): readonly string[] {
  return declarations.get(command)?.examples ?? []
}

export function exitCodesOf(command: Command): readonly ExitCode[] {
  return declarations.get(command)?.exitCodes ?? []
}

/** The commands below one that people may see, each before what is below it. */
export function commandsBelow(command: Command): Command[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help')
  return visible.flatMap((sub) => [sub, ...commandsBelow(sub)])
}

/** `env schedule new`; empty for the program itself. */
export function commandPath(command: Command): string {
  if (!command.parent) return ''
  return `${commandPath(command.parent)} ${command.name()}`.trim()
}

function exampleHelp(examples: readonly string[]): string {
  return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map((line) => `  ${line}`).join('\n')}`
}

export function exitCodeHelp(codes: readonly ExitCode[]): string {
  if (codes.length === 0) return ''
  const width = Math.max(...codes.map(({ code }) => code.length))
  return `\n\nExit codes:\n${codes.map(({ code, meaning }) => `  ${code.padEnd(width)}  ${meaning}`).join('\n')}`
}
