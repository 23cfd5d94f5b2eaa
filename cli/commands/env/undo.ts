/** `rekey env undo`: back to the credential before, while it still works. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { endWith, EVENT_EXIT_CODES } from '../../end-with.ts'
import { readNewest } from '../../environment-argument.ts'
import { newestRevision } from '../../newest-revision.ts'
import { watchEvent } from '../../watch-rotation.ts'

export function addEnvUndo(env: Command, context: Context): void {
  declare(env, {
    usage: 'undo <env> [paths...]',
    about: 'publish the previous credentials again, of all the environment or at the paths given',
    examples: ['rekey env undo billing/production', 'rekey env undo billing/production database.creds'],
    json: true,
    exitCodes: EVENT_EXIT_CODES,
  })
    .option('--force', 'also what was undone a moment ago: undoes that')
    .action(async (name: string, paths: string[], options: { force?: boolean; json?: boolean }) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      const revision = await newestRevision(api, environment)
      const answer = await watchEvent(context, api, {
        path: `${environment.path}/undo`,
        body: { paths, revision, force: options.force === true },
        events: `${environment.path}/rotate/events`,
        seeLater: `"rekey env history ${environment.shortName}" tells how it went`,
      })
      endWith(context, answer, { name: environment.shortName, json: options.json === true })
    })
}
