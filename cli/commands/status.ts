/** `rekey status`: which server this is, whether it can work, and as whom one talks to it. */
import type { Command } from 'commander'
import { ApiError, type Api } from '../api.ts'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { EXIT, Failure } from '../failure.ts'
import { print, printJson, styled } from '../output.ts'

interface Readiness {
  status: string
  checks?: Record<string, unknown>
  /** How many schedules have a due time that nothing has begun. */
  overdueSchedules?: number
  /** Whether the issuer of identity tokens leads to this server; absent where there is none. */
  oidcIssuer?: string
}

export function addStatus(program: Command, context: Context): void {
  declare(program, {
    usage: 'status',
    about: 'show which server the command line talks to, whether it is ready, and who you are there',
    examples: ['rekey status', 'rekey status --json'],
    json: true,
    exitCodes: [
      { code: String(EXIT.succeeded), meaning: 'the server is ready and knows you' },
      { code: String(EXIT.error), meaning: 'it is away, not ready, or does not know you' },
    ],
  }).action(async (options: { json?: boolean }) => {
    const api = context.api()
    const { ready, checks, overdueSchedules, oidcIssuer, message } = await readiness(api)
    // Without its store the server can say nothing about people.
    const user = ready ? await whoAmI(api) : undefined
    if (options.json)
      printJson(context, { url: api.url, ready, checks, overdueSchedules, oidcIssuer, ...user })
    else {
      const word = ready ? 'ready' : 'not ready'
      print(context, `${api.url} is ${styled(context, 'output', ready ? 'green' : 'red', word)}`)
      for (const [name, state] of Object.entries(checks))
        if (typeof state === 'string') print(context, `  ${name}: ${state}`)
      if (overdueSchedules > 0) print(context, `  overdue schedules: ${overdueSchedules}`)
      if (oidcIssuer !== undefined) print(context, `  issuer of identity tokens: ${oidcIssuer}`)
      if (user)
        print(context, `you are ${user.login}, of ${user.organizations.join(', ') || 'no organization'}`)
    }
    if (!ready) throw new Failure(`${api.url} is ${message}; it recovers by itself once they are back`)
  })
}

async function readiness(api: Api) {
  try {
    const { json } = await api.call<Readiness>('GET', '/readyz')
    const { checks = {}, overdueSchedules = 0, oidcIssuer } = json
    return { ready: true, checks, overdueSchedules, oidcIssuer, message: '' }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 503) throw error
    const { checks = {} } = (error.body ?? {}) as Partial<Readiness>
    return { ready: false, checks, overdueSchedules: 0, oidcIssuer: undefined, message: error.message }
  }
}

async function whoAmI(api: Api) {
  const { json } = await api.call<{ githubLogin: string; organizations: { name: string }[] }>(
    'GET',
    '/api/user',
  )
  return { login: json.githubLogin, organizations: json.organizations.map(({ name }) => name) }
}
