/** `rekey env ls`: the environments that one may see. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { listEnvironments } from '../../environment-list.ts'
import { localTime, printJson, printTable } from '../../output.ts'

export function addEnvLs(env: Command, context: Context): void {
  declare(env, {
    usage: 'ls',
    about: 'list environments',
    examples: ['rekey env ls', 'rekey env ls --project billing'],
    json: true,
  })
    .option('-p, --project <name>', 'only those of one project')
    .action(async (options: { project?: string; json?: boolean }) => {
      const api = context.api()
      const shown = (await listEnvironments(api)).filter(
        ({ project }) => options.project === undefined || project === options.project,
      )
      if (options.json) return printJson(context, shown)
      printTable(
        context,
        ['ENVIRONMENT', 'MODIFIED'],
        shown.map(({ project, name, modified }) => [`${project}/${name}`, localTime(modified)]),
        'there is none that you may read: make one with "rekey env init <project>/<name>"',
      )
    })
}
