/** Runs one command line to its exit code. Every error ends here, as words on stderr. */
import { Command, CommanderError } from 'commander'
import { isRefusal } from '../model/refusal.ts'
import { ConfigError } from '../config/index.ts'
import { addAdmin } from './commands/admin.ts'
import { addConfig } from './commands/config.ts'
import { addDev } from './commands/dev.ts'
import { addEnv } from './commands/env.ts'
import { addGrant } from './commands/grant.ts'
import { addLogin } from './commands/login.ts'
import { addMigrate } from './commands/migrate.ts'
import { addServer } from './commands/server.ts'
import { addToken } from './commands/token.ts'
import { addUser } from './commands/user.ts'
import { addWorker } from './commands/worker.ts'
import { ApiError } from './api.ts'
import type { Context } from './context.ts'
import { showDiagnostics } from './diagnostics.ts'
import { EXIT, Failure } from './failure.ts'
import { note, styled } from './output.ts'

/** `args` without the program's own name. */
export async function runCli(args: string[], context: Context, version: string): Promise<number> {
  const program = new Command('rekey')
    .description('A self-hosted, durable secret rotator')
    .version(version)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExample:\n  rekey dev   # everything on this machine\n' +
        `\nExit codes: ${EXIT.succeeded} all good, ${EXIT.error} wrong usage, refused, or no network, ` +
        `${EXIT.rotationFailed} a rotation failed wholly or partly,\n            ${EXIT.rotationUnknown} how a rotation went is not known (yet)`,
    )
  for (const add of [
    addDev,
    addServer,
    addWorker,
    addMigrate,
    addAdmin,
    addConfig,
    addLogin,
    addEnv,
    addToken,
    addGrant,
    addUser,
  ])
    add(program, context)
  settle(program, context)
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.succeeded
  } catch (error) {
    return report(context, error)
  }
}

/** Commander must neither exit nor write by itself, on any level. */
function settle(command: Command, context: Context): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void context.output.write(text),
    writeErr: (text) => void context.errors.write(text),
    outputError: (text, write) => write(`rekey: ${text.replace(/^error: /, '')}`),
  })
  command.showHelpAfterError(`(rekey ${pathOf(command)}--help shows how it is used)`)
  for (const sub of command.commands) settle(sub, context)
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)}${command.name()} ` : ''
}

function report(context: Context, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.error
  if (error instanceof Failure && /^(RotationEnded|ProgramEnded)$/.test(error.name)) return error.exitCode
  if (error instanceof ApiError) showDiagnostics(context, error.diagnostics)
  if (isRefusal(error) && error.diagnostics) showDiagnostics(context, error.diagnostics)
  note(context, `${styled(context, 'errors', 'red', 'rekey')}: ${wordsOf(error)}`)
  return error instanceof Failure ? error.exitCode : EXIT.error
}

function wordsOf(error: unknown): string {
  if (error instanceof Failure || isRefusal(error) || error instanceof ConfigError) return error.message
  if (error instanceof Error) return error.message.split('\n')[0] || error.name
  return 'unexpected error'
}
