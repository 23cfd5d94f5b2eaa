/** `rekey token`: one's own access tokens. */
import type { Command } from 'commander'
import { parseDuration } from '../../config/index.ts'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { localTime, note, print, printJson, printTable } from '../output.ts'

interface Token {
  id: string
  name: string
  created: string
  expires: string | null
  revoked: string | null
  lastUsed: string | null
  tokenValue?: string
}

export function addToken(program: Command, context: Context): void {
  const token = group(program, 'token', 'your own access tokens', 'rekey token create ci --expires 30d')

  declare(token, {
    usage: 'create <name>',
    about: 'make an access token; it is shown once, alone on standard output',
    examples: ['rekey token create ci --expires 30d > ci-token'],
    json: true,
  })
    .option('--expires <duration>', 'such as 12h or 30d; never when absent')
    .action(async (name: string, options: { expires?: string; json?: boolean }) => {
      const expiresIn = options.expires === undefined ? undefined : secondsOf(options.expires)
      const { json: made } = await context.api().call<Token>('POST', '/api/user/tokens', {
        body: { name, ...(expiresIn !== undefined && { expiresIn }) },
      })
      if (options.json) return printJson(context, made)
      print(context, made.tokenValue ?? '')
      note(
        context,
        `token ${made.id} "${made.name}", expires ${localTime(made.expires)}; it is not shown again`,
      )
    })

  declare(token, {
    usage: 'ls',
    about: 'list your access tokens',
    examples: ['rekey token ls'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { json } = await context.api().call<{ tokens: Token[] }>('GET', '/api/user/tokens')
    if (options.json) return printJson(context, json.tokens)
    printTable(
      context,
      ['ID', 'NAME', 'CREATED', 'LAST USED', 'EXPIRES'],
      json.tokens.map(({ id, name, created, lastUsed, expires, revoked }) => [
        id,
        name,
        localTime(created),
        localTime(lastUsed),
        revoked ? 'revoked' : localTime(expires),
      ]),
    )
  })

  declare(token, {
    usage: 'revoke <id>',
    about: 'end an access token for good',
    examples: ['rekey token revoke 0b9f6c1e-7a52-4c55-9e2f-1d1f6d0e8a11'],
    json: true,
  }).action(async (id: string, options: { json?: boolean }) => {
    await context.api().call('DELETE', `/api/user/tokens/${encodeURIComponent(id)}`)
    if (options.json) printJson(context, { id, revoked: true })
    else print(context, `Revoked ${id}`)
  })
}

function secondsOf(text: string): number {
  const duration = parseDuration(text)
  if (!duration) throw new Failure(`"${text}" is not a duration: write it as 12h or 30d`)
  return duration / 1000
}
