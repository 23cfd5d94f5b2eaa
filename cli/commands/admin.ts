/** `rekey admin`: the way in for whoever holds the store itself, when nobody can let them in through the API. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { note, print, printJson } from '../output.ts'

// As the API has it for new people.
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}$/

export function addAdmin(program: Command, context: Context): void {
  declare(program, {
    usage: 'admin <login>',
    about:
      'make somebody an administrator, straight in REKEY_DATABASE_URL: the first one of a new store, ' +
      'or one who lost every token; prints a new access token, alone on standard output',
    examples: ['rekey admin ada > ada-token', 'rekey admin ada --org acme'],
    json: true,
  })
    .option('--org <name>', 'of this organization, which is made when it is missing', 'main')
    .action(async (login: string, { org = 'main', json }: { org?: string; json?: boolean }) => {
      if (!LOGIN.test(login))
        throw new Failure(`"${login}" cannot be a login: letters, digits, -, _, . and @ only`)
      const settings = context.settings()
      // Loaded here: no other command should wait for it.
      const { appointAdministrator } = await import('../appoint-administrator.ts')
      const token = await appointAdministrator(settings.databaseUrl, { login, organization: org })
      if (json) return printJson(context, { login, organization: org, tokenValue: token.reveal() })
      print(context, token.reveal())
      note(context, `${login} administers ${org}; above is a token, which is not shown again`)
    })
}
