/** `rekey env run`: runs a program with the values of an environment, and keeps secrets out of what it prints. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readPath } from '../../document-path.ts'
import { readEnvironment } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { runProgram } from '../../run-program.ts'
import { writeFiles } from '../../temporary-files.ts'
import { openEnvironment, scalarsUnder, secretsOf, textOf, valueAt, type WireValue } from '../../values.ts'

interface Options {
  interactive?: boolean
  duration?: string
}

export function addEnvRun(env: Command, context: Context): void {
  declare(env, {
    usage: 'run <env> <command...>',
    about:
      'run a command with environmentVariables and files of the environment set; ${path} in its arguments is ' +
      'replaced by the value; exits as the command does',
    examples: [
      'rekey env run billing/production -- ./migrate.sh',
      "rekey env run billing/production -- psql -h '${database.host}' -c 'select 1'",
    ],
    exitCodes: [
      { code: '1', meaning: 'the environment could not be opened; the command was not run' },
      { code: '127', meaning: 'there is no such command' },
      { code: '128+n', meaning: 'the command was ended by the signal n' },
      { code: 'other', meaning: "the command's own" },
    ],
  })
    // What follows the command's name is the command's own.
    .passThroughOptions()
    .option(
      '-i, --interactive',
      'hand the terminal to the command: its output is then not searched for secrets',
    )
    .option('--duration <time>', 'how long the session lasts on the server, such as 15m or 2h')
    .action(async (name: string, words: string[], options: Options) => {
      const [program, ...args] = words[0] === '--' ? words.slice(1) : words
      if (program === undefined) throw new Failure('there is no command to run: write it after --')
      const api = context.api()
      const environment = await readEnvironment(api, name)
      const root = await openEnvironment(context, api, environment, options.duration)
      const files = await writeFiles(scalarsUnder(root, 'files'))
      try {
        const code = await runProgram(context, {
          program,
          args: args.map((text) => interpolate(text, root)),
          variables: { ...scalarsUnder(root, 'environmentVariables'), ...files.paths },
          secrets: secretsOf(root),
          interactive: options.interactive === true,
        })
        if (code !== 0) throw new ProgramEnded(code)
      } finally {
        await files.remove()
      }
    })
}

/** The program said what there is to say. */
export class ProgramEnded extends Failure {
  override name = 'ProgramEnded'
  constructor(exitCode: number) {
    super(`the command ended with ${exitCode}`, exitCode)
  }
}

/** `${path}` becomes the value, `$${` is kept as `${`. @throws Failure */
function interpolate(text: string, root: WireValue): string {
  return text.replaceAll(/\$\$\{|\$\{([^}]*)\}/g, (match, path: string | undefined) =>
    match === '$${' ? '${' : textOf(valueAt(root, readPath(path ?? ''))),
  )
}
