/** `rekey grant`: who may do what, on an environment, a project or the whole organization. */
import type { Command } from 'commander'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { print, printJson, printTable } from '../output.ts'

const LEVELS = ['read', 'open', 'write', 'admin']

interface Grant {
  login: string
  level: string
  project: string | null
  environment: string | null
  grantedBy: string
}

interface Scope {
  project?: string
  environment?: string
}

export function addGrant(program: Command, context: Context): void {
  const grant = group(
    program,
    'grant',
    'who may do what: read < open < write < admin',
    'rekey grant give bob open billing/production',
  )
  const path = async () => {
    const api = context.api()
    return { api, path: `/api/esc/grants/${encodeURIComponent(await api.organization())}` }
  }

  declare(grant, {
    usage: 'give <login> <level> [scope]',
    about: 'give a level on project/env, on a project, or without a scope on the whole organization',
    examples: ['rekey grant give bob open billing/production', 'rekey grant give ada admin'],
    json: true,
  }).action(async (login: string, level: string, scope: string | undefined, options: { json?: boolean }) => {
    if (!LEVELS.includes(level))
      throw new Failure(`"${level}" is no level: choose one of ${LEVELS.join(', ')}`)
    const { api, path: target } = await path()
    await api.call('POST', target, { body: { login, level, ...readScope(scope) } })
    if (options.json) printJson(context, { login, level, ...readScope(scope) })
    else print(context, `${login} has ${level} on ${scope ?? 'the organization'} now`)
  })

  declare(grant, {
    usage: 'ls',
    about: 'list your own grants, and all where you are an administrator',
    examples: ['rekey grant ls'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { api, path: target } = await path()
    const { json } = await api.call<{ grants: Grant[] }>('GET', target)
    if (options.json) return printJson(context, json.grants)
    printTable(
      context,
      ['LOGIN', 'LEVEL', 'ON', 'GIVEN BY'],
      json.grants.map(({ login, level, project, environment, grantedBy }) => [
        login,
        level,
        project === null ? '(organization)' : environment === null ? project : `${project}/${environment}`,
        grantedBy,
      ]),
    )
  })

  declare(grant, {
    usage: 'take <login> [scope]',
    about: 'take back what was given on exactly this scope',
    examples: ['rekey grant take bob billing/production'],
    json: true,
  }).action(async (login: string, scope: string | undefined, options: { json?: boolean }) => {
    const { api, path: target } = await path()
    await api.call('DELETE', target, { body: { login, ...readScope(scope) } })
    if (options.json) printJson(context, { login, ...readScope(scope) })
    else print(context, `${login} has no grant of its own on ${scope ?? 'the organization'} any more`)
  })
}

function readScope(text: string | undefined): Scope {
  if (text === undefined) return {}
  const [project = '', environment, ...rest] = text.split('/')
  if (project === '' || environment === '' || rest.length > 0)
    throw new Failure(
      `"${text}" is no scope: write project, project/environment, or nothing for the organization`,
    )
  return environment === undefined ? { project } : { project, environment }
}
