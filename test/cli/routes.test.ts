/** What the API can do, the command line can do: every route has its command, and the table here says which. */
import fastify from 'fastify'
import { expect, test } from 'vitest'
import { commandPath, commandsBelow } from '../../cli/command.ts'
import { createProgram } from '../../cli/program.ts'
import { createContext } from '../../cli/context.ts'
import { routes } from '../../server/routes/index.ts'

const ENVIRONMENT = '/api/esc/environments/:org/:project/:name'
/** For other clients, or asked on the way by many commands. */
const NO_COMMAND = {
  'GET /healthz': 'for whatever watches the process; status asks /readyz',
  'GET /.well-known/openid-configuration':
    'for whoever checks identity tokens; rekey oidc works on the store',
  'GET /.well-known/jwks': 'for whoever checks identity tokens; rekey oidc works on the store',
  'GET /api/agents/signup': 'refuses clients that would sign up by themselves',
  'GET /api/esc/environments': 'the list over all organizations, as esc asks for it; env ls asks for one',
}

const COMMANDS: Record<string, string> = {
  'GET /readyz': 'status',
  'GET /api/user': 'status',
  'GET /api/user/organizations/default': 'env ls',
  'GET /api/user/tokens': 'token ls',
  'POST /api/user/tokens': 'token create',
  'DELETE /api/user/tokens/:id': 'token revoke',
  'GET /api/orgs/:org/members': 'user ls',
  'POST /api/orgs/:org/members': 'user add',
  'GET /api/esc/grants/:org': 'grant ls',
  'POST /api/esc/grants/:org': 'grant give',
  'DELETE /api/esc/grants/:org': 'grant take',
  'GET /api/esc/environments/:org': 'env ls',
  'POST /api/esc/environments/:org': 'env init',
  'POST /api/esc/environments/:org/yaml/check': 'env check',
  [`GET ${ENVIRONMENT}`]: 'env get',
  [`PATCH ${ENVIRONMENT}`]: 'env edit',
  [`DELETE ${ENVIRONMENT}`]: 'env rm',
  [`GET ${ENVIRONMENT}/decrypt`]: 'env get',
  [`POST ${ENVIRONMENT}/clone`]: 'env clone',
  [`POST ${ENVIRONMENT}/open`]: 'env open',
  [`GET ${ENVIRONMENT}/open/:session`]: 'env open',
  [`GET ${ENVIRONMENT}/versions`]: 'env revision ls',
  [`GET ${ENVIRONMENT}/versions/:version`]: 'env get',
  [`GET ${ENVIRONMENT}/versions/:version/decrypt`]: 'env get',
  [`POST ${ENVIRONMENT}/versions/:version/open`]: 'env open',
  [`GET ${ENVIRONMENT}/versions/tags`]: 'env revision tags',
  [`POST ${ENVIRONMENT}/versions/tags`]: 'env revision tag',
  [`GET ${ENVIRONMENT}/versions/tags/:tag`]: 'env revision tags',
  [`PATCH ${ENVIRONMENT}/versions/tags/:tag`]: 'env revision tag',
  [`DELETE ${ENVIRONMENT}/versions/tags/:tag`]: 'env revision untag',
  [`POST ${ENVIRONMENT}/rotate`]: 'env rotate',
  [`POST ${ENVIRONMENT}/rotate/plan`]: 'env rotate',
  [`GET ${ENVIRONMENT}/rotate/history`]: 'env history',
  [`GET ${ENVIRONMENT}/rotate/events/:id`]: 'env history',
  [`POST ${ENVIRONMENT}/undo`]: 'env undo',
  [`POST ${ENVIRONMENT}/forget`]: 'env forget',
  'GET /api/esc/rotations/:org': 'rotation ls',
  'GET /api/esc/rotations/:org/:id': 'rotation show',
  'GET /api/esc/rotations/:org/events/:event': 'rotation adopt',
  'POST /api/esc/rotations/:org/:id/adopt': 'rotation adopt',
  'POST /api/esc/rotations/:org/:id/discard': 'rotation discard',
  'GET /api/esc/targets/:org': 'target ls',
  'POST /api/esc/targets/:org/release': 'target release',
  'GET /api/esc/rotators': 'rotator ls',
  'GET /api/esc/rotators/:name/schema': 'rotator show',
  'GET /api/esc/providers': 'provider ls',
  'GET /api/esc/providers/:name/schema': 'provider show',
  [`GET ${ENVIRONMENT}/schedules`]: 'env schedule list',
  [`POST ${ENVIRONMENT}/schedules`]: 'env schedule new',
  [`GET ${ENVIRONMENT}/schedules/:id`]: 'env schedule get',
  [`PATCH ${ENVIRONMENT}/schedules/:id`]: 'env schedule edit',
  [`POST ${ENVIRONMENT}/schedules/:id`]: 'env schedule edit',
  [`DELETE ${ENVIRONMENT}/schedules/:id`]: 'env schedule remove',
  [`POST ${ENVIRONMENT}/schedules/:id/pause`]: 'env schedule pause',
  [`POST ${ENVIRONMENT}/schedules/:id/resume`]: 'env schedule resume',
  [`GET ${ENVIRONMENT}/schedules/:id/history`]: 'env schedule history',
}

async function served(): Promise<string[]> {
  const app = fastify()
  const found: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') found.push(`${one} ${url}`)
  })
  // Nothing is asked here, so what the routes work with need not be there.
  for (const route of routes) route(app, {} as never)
  await app.close()
  return found
}

test('every route has a command', async () => {
  const known = { ...COMMANDS, ...NO_COMMAND }
  const found = await served()
  expect(found).toContain(`POST ${ENVIRONMENT}/rotate`)
  const without = found.filter((route) => !Object.hasOwn(known, route))
  expect(without, 'give each of these routes a command in cli/commands/ and a line in COMMANDS here').toEqual(
    [],
  )
  const gone = Object.keys(known).filter((route) => !found.includes(route))
  expect(gone, 'these routes are not served any more: take their lines out here').toEqual([])
})

test('every command that a route is said to have exists', () => {
  const terminal = { input: process.stdin, output: process.stdout, errors: process.stderr }
  const program = createProgram(createContext(terminal, new AbortController().signal, {}), '0.0.0')
  const paths = commandsBelow(program).map(commandPath)
  expect(Object.values(COMMANDS).filter((path) => !paths.includes(path))).toEqual([])
})
