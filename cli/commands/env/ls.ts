/** `rekey env ls`: the environments that one may see. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { localTime, printJson, printTable } from '../../output.ts'

interface Environment {
  organization: string
  project: string
  name: string
  created: string
  modified: string
}

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
      const path = `/api/esc/environments/${encodeURIComponent(await api.organization())}`
      const found: Environment[] = []
      for (let token: string | undefined; token !== '';) {
        const { json } = await api.call<{ environments: Environment[]; nextToken?: string }>('GET', path, {
          query: { continuationToken: token },
        })
        found.push(...json.environments)
        token = json.nextToken ?? ''
      }
      const shown = found.filter(
        ({ project }) => options.project === undefined || project === options.project,
      )
      if (options.json) return printJson(context, shown)
      printTable(
        context,
        ['ENVIRONMENT', 'MODIFIED'],
        shown.map(({ project, name, modified }) => [`${project}/${name}`, localTime(modified)]),
      )
    })
}
