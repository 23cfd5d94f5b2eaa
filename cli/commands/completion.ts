/** `rekey completion`: the script that a shell loads; and `rekey __complete`, which that script asks. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import { complete } from '../complete.ts'
import { COMPLETION_SCRIPTS } from '../completion-scripts.ts'
import type { Context } from '../context.ts'
import { print } from '../output.ts'

export function addCompletion(program: Command, context: Context): void {
  const completion = declare(program, {
    usage: 'completion <shell>',
    about:
      'print the completion script for bash, zsh or fish; it completes environment names too, as who is logged in',
    examples: [
      'echo \'eval "$(rekey completion bash)"\' >> ~/.bashrc',
      'echo \'eval "$(rekey completion zsh)"\' >> ~/.zshrc   # below compinit',
      'rekey completion fish > ~/.config/fish/completions/rekey.fish',
    ],
  }).action((shell: keyof typeof COMPLETION_SCRIPTS) => print(context, COMPLETION_SCRIPTS[shell]))
  completion.registeredArguments[0]!.choices(Object.keys(COMPLETION_SCRIPTS))

  program.command('__complete [words...]', { hidden: true }).action(async (words: string[]) => {
    const offer = await complete(context, program, words)
    const lines =
      typeof offer === 'string'
        ? [`:${offer}`]
        : offer.map(({ value, about }) => `${value}\t${oneLine(about)}`)
    if (lines.length > 0) print(context, lines.join('\n'))
  })
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
