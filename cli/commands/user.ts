/** `rekey user`: the people of the organization. */
import type { Command } from 'commander'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { note, print, printJson, printTable } from '../output.ts'

export function addUser(program: Command, context: Context): void {
  const user = group(program, 'user', 'the people of the organization', 'rekey user add bob')
  const members = async () => {
    const api = context.api()
    return { api, path: `/api/orgs/${encodeURIComponent(await api.organization())}/members` }
  }

  declare(user, {
    usage: 'add <login>',
    about: 'add somebody; a new person gets a first access token, shown once, alone on standard output',
    examples: ['rekey user add bob --name "Bob Ross" > bob-token'],
    json: true,
  })
    .option('--name <name>', 'as people know them')
    .option('--email <address>', 'where to reach them')
    .action(async (login: string, options: { name?: string; email?: string; json?: boolean }) => {
      const { api, path } = await members()
      const { name, email } = options
      const { json: added } = await api.call<{ login: string; tokenValue?: string }>('POST', path, {
        body: { login, ...(name !== undefined && { name }), ...(email !== undefined && { email }) },
      })
      if (options.json) return printJson(context, added)
      if (added.tokenValue) print(context, added.tokenValue)
      note(
        context,
        added.tokenValue
          ? `${login} is in; above is their first token, which is not shown again. Next: rekey grant give ${login} read`
          : `${login} is in, and keeps to the tokens they have`,
      )
    })

  declare(user, { usage: 'ls', about: 'list the people', examples: ['rekey user ls'], json: true }).action(
    async (options: { json?: boolean }) => {
      const { api, path } = await members()
      const { json } = await api.call<{ members: { login: string; name: string }[] }>('GET', path)
      if (options.json) return printJson(context, json.members)
      printTable(
        context,
        ['LOGIN', 'NAME'],
        json.members.map(({ login, name }) => [login, name]),
      )
    },
  )
}
