/** `rekey login` and `rekey logout`: checks an access token at the server and remembers it. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { openApi } from '../api.ts'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { note, print, printJson } from '../output.ts'
import { askSecret, readAll } from '../prompt.ts'
import { readLogin, removeLogin, writeLogin } from '../stored-login.ts'

interface Options {
  tokenFile?: string
  org?: string
  json?: boolean
}

export function addLogin(program: Command, context: Context): void {
  declare(program, {
    usage: 'login [url]',
    about: 'check an access token and remember it for this user',
    examples: ['rekey login http://127.0.0.1:8790 --token-file .rekey/admin-token'],
    json: true,
  })
    .option(
      '--token-file <file>',
      'file that holds the token, "-" for standard input; else REKEY_TOKEN or a question',
    )
    .option('--org <name>', 'organization of names without one; else the first one of the user')
    .action(async (given: string | undefined, options: Options) => {
      const { surroundings, signal } = context
      const url = readUrl(given ?? context.settings().url ?? readLogin(surroundings.configHome)?.url)
      const token = (await readToken(context, options.tokenFile)).trim()
      if (!/^[\x21-\x7e]+$/.test(token))
        throw new Failure('that is no access token: it is one word without blanks')
      const api = openApi({ url, token, signal })
      const { json: user } = await api.call<{ githubLogin: string; organizations: { name: string }[] }>(
        'GET',
        '/api/user',
      )
      const mine = user.organizations.map(({ name }) => name)
      if (options.org !== undefined && !mine.includes(options.org))
        throw new Failure(
          `${user.githubLogin} is not in the organization ${options.org}, but in ${mine.join(', ') || 'none'}`,
        )
      const organization = options.org ?? mine[0]
      const file = writeLogin(surroundings.configHome, {
        url,
        token,
        login: user.githubLogin,
        ...(organization !== undefined && { organization }),
      })
      if (options.json) return printJson(context, { url, login: user.githubLogin, organization, file })
      print(
        context,
        `Logged in to ${url} as ${user.githubLogin}${organization ? `, organization ${organization}` : ''}`,
      )
      note(context, `the token is kept in ${file}`)
    })

  declare(program, {
    usage: 'logout',
    about: 'forget the remembered access token; it stays valid until it is revoked',
    examples: ['rekey logout'],
    json: true,
  }).action((options: { json?: boolean }) => {
    const url = readLogin(context.surroundings.configHome)?.url
    removeLogin(context.surroundings.configHome)
    if (options.json) printJson(context, { url: url ?? null, loggedOut: url !== undefined })
    else print(context, url === undefined ? 'Nobody was logged in' : `Logged out of ${url}`)
  })
}

function readUrl(text = 'http://127.0.0.1:8790'): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Failure(`"${text}" is not the URL of a server: write it as http://127.0.0.1:8790`)
  return text.replace(/\/+$/, '')
}

async function readToken(context: Context, file: string | undefined): Promise<string> {
  if (file === '-') return readAll(context.input)
  if (file !== undefined)
    return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new Failure(`the token file ${file} cannot be read (${error.code})`)
    })
  const { token } = context.settings()
  if (token !== undefined) return token
  if (!context.input.isTTY) throw new Failure('there is no token: give --token-file, or set REKEY_TOKEN')
  return askSecret(context, 'Access token: ')
}
