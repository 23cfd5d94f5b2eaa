/** `rekey env forget`: drops the state of a rotate call on purpose; a save alone would bring the newest one back. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { endWith, EVENT_EXIT_CODES } from '../../end-with.ts'
import { readNewest } from '../../environment-argument.ts'
import { newestRevision } from '../../newest-revision.ts'
import { confirm } from '../../prompt.ts'
import { watchEvent } from '../../watch-rotation.ts'

export function addEnvForget(env: Command, context: Context): void {
  declare(env, {
    usage: 'forget <env> <path>',
    about: 'drop the credentials that a rotate call holds; the call begins anew with its next rotation',
    examples: ['rekey env forget billing/production database.creds --yes'],
    json: true,
    exitCodes: EVENT_EXIT_CODES,
  })
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, path: string, options: { yes?: boolean; json?: boolean }) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      const revision = await newestRevision(api, environment)
      if (!options.yes)
        await confirm(
          context,
          `${environment.fullName} will not open until ${path} has been rotated again, and that may change the password that is in use now`,
          path,
        )
      const answer = await watchEvent(context, api, {
        path: `${environment.path}/forget`,
        body: { paths: [path], revision },
        events: `${environment.path}/rotate/events`,
        seeLater: `"rekey env history ${environment.shortName}" tells how it went`,
      })
      endWith(context, answer, { name: environment.shortName, json: options.json === true })
    })
}
