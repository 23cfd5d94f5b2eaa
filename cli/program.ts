/** The whole tree of commands, ready to parse a line. Runs nothing by itself. */
import { Command } from 'commander'
import { exitCodeHelp } from './command.ts'
import { addAdmin } from './commands/admin.ts'
import { addKey } from './commands/key.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addDev } from './commands/dev.ts'
import { addEnv } from './commands/env.ts'
import { addGrant } from './commands/grant.ts'
import { addLogin } from './commands/login.ts'
import { addMigrate } from './commands/migrate.ts'
import { addProvider } from './commands/provider.ts'
import { addOidc } from './commands/oidc.ts'
import { addRotation } from './commands/rotation.ts'
import { addRotator } from './commands/rotator.ts'
import { addServer } from './commands/server.ts'
import { addStatus } from './commands/status.ts'
import { addTarget } from './commands/target.ts'
import { addToken } from './commands/token.ts'
import { addUser } from './commands/user.ts'
import { addWorker } from './commands/worker.ts'
import type { Context } from './context.ts'
import { EXIT_CODES } from './failure.ts'

export function createProgram(context: Context, version: string): Command {
  const program = new Command('rekey')
    .description('A self-hosted, durable secret rotator')
    .version(version)
    .enablePositionalOptions()
    .addHelpText('after', `\nExample:\n  rekey dev   # everything on this machine${exitCodeHelp(EXIT_CODES)}`)
  for (const add of [
    addDev,
    addServer,
    addWorker,
    addMigrate,
    addAdmin,
    addKey,
    addOidc,
    addConfig,
    addLogin,
    addStatus,
    addEnv,
    addRotation,
    addTarget,
    addRotator,
    addProvider,
    addToken,
    addGrant,
    addUser,
    addCompletion,
  ])
    add(program, context)
  settle(program, context)
  return program
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
