/** docs/cli.md: every command with its options, examples and exit codes, from the tree that `rekey` itself parses with. */
import type { Command } from 'commander'
import { commandPath, commandsBelow, examplesOf, exitCodesOf, type ExitCode } from '../cli/command.ts'
import { createContext } from '../cli/context.ts'
import { EXIT_CODES } from '../cli/failure.ts'
import { createProgram } from '../cli/program.ts'
import { fence, table } from './markdown.ts'

/** The parts of the page below its title. */
export function commandLinePage(): string[] {
  const terminal = { input: process.stdin, output: process.stdout, errors: process.stderr }
  const context = createContext(terminal, new AbortController().signal, {})
  const program = createProgram(context, '')
  const [groups, single] = [true, false].map((isGroup) =>
    program.commands.filter(
      (command) => isVisible(program, command) && command.commands.length > 0 === isGroup,
    ),
  ) as [Command[], Command[]]
  return [
    'Every command explains itself with `--help`, and prints JSON with `--json` where it prints data. Results go to standard ' +
      'output; what only people need to know (progress, warnings, errors) goes to standard error. Colours are used on a ' +
      'terminal only; `NO_COLOR=1` switches them off, `FORCE_COLOR=1` on.',
    'An environment is written `[organization/][project/]name`, and where a revision makes sense `…@3` or `…@tag`. Whom the ' +
      'command line talks to, and as whom, is remembered by `rekey login`; `REKEY_URL`, `REKEY_TOKEN` and `REKEY_ORG` come ' +
      'before that.',
    '## Exit codes',
    codeTable(EXIT_CODES),
    ...single.flatMap((command) => section(command, '##')),
    ...groups.flatMap((command) => [
      `## \`rekey ${commandPath(command)}\``,
      `${sentence(command.description())}`,
      ...commandsBelow(command)
        .filter((sub) => sub.commands.length === 0)
        .flatMap((sub) => section(sub, '###')),
    ]),
  ]
}

function section(command: Command, heading: string): string[] {
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
  const aliases = command.aliases().map((alias) => `\`${alias}\``)
  return [
    `${heading} \`rekey ${commandPath(command)}\``,
    sentence(command.description()) + (aliases.length > 0 ? ` Also ${aliases.join(', ')}.` : ''),
    fence('text', `rekey ${commandPath(command)} ${command.usage().replace(/\[options\] ?/, '')}`.trim()),
    ...(options.length > 0
      ? [options.map(({ flags, description }) => `- \`${flags}\`: ${description}`).join('\n')]
      : []),
    fence('sh', examplesOf(command).join('\n')),
    ...(exitCodesOf(command).length > 0 ? ['Exit codes:', codeTable(exitCodesOf(command))] : []),
  ]
}

function isVisible(parent: Command, command: Command): boolean {
  return command.name() !== 'help' && parent.createHelp().visibleCommands(parent).includes(command)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replaceAll('<', String.raw`\<`)
}

function codeTable(codes: readonly ExitCode[]): string {
  return table(
    ['code', 'meaning'],
    codes.map(({ code, meaning }) => [code, meaning]),
  )
}
