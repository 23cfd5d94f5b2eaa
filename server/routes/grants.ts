/** Who may do what, for the administrators of an organization, a project or an environment. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { allows } from '../../model/permissions.ts'
import { Refusal } from '../../model/refusal.ts'
import { appendAudit } from '../../store/audit.ts'
import { findEnvironment, findEnvironmentById } from '../../store/environments.ts'
import {
  giveGrant,
  levelOn,
  levelOnOrganization,
  levelOnProject,
  listGrants,
  takeGrant,
  type GrantScope,
} from '../../store/grants.ts'
import type { Queryable } from '../../store/database.ts'
import { inTransaction } from '../../store/transaction.ts'
import type { Services } from '../services.ts'

const Organization = Type.Object({ org: Type.String() })
/** No project: the whole organization. No environment: the whole project. */
const Scope = Type.Object({
  login: Type.String({ minLength: 1, maxLength: 100 }),
  project: Type.Optional(Type.String()),
  environment: Type.Optional(Type.String()),
})
const NewGrant = Type.Object({
  ...Scope.properties,
  level: Type.Union([
    Type.Literal('read'),
    Type.Literal('open'),
    Type.Literal('write'),
    Type.Literal('admin'),
  ]),
})

export function grantRoutes(app: FastifyInstance, { db }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  // Everybody sees the grants that they may change, and their own.
  typed.get(
    '/api/esc/grants/:org',
    { config: { access: 'member' }, schema: { params: Organization } },
    async ({ params, login }) => {
      const grants = []
      for (const grant of await listGrants(db, { organization: params.org })) {
        const environment = grant.environmentId
          ? await findEnvironmentById(db, grant.environmentId)
          : undefined
        if (environment?.deletedAt) continue
        const project = environment?.project ?? grant.project ?? undefined
        const scope: GrantScope = { organization: params.org }
        if (project !== undefined) scope.project = project
        if (grant.environmentId !== null) scope.environmentId = grant.environmentId
        if (grant.login !== login && !(await administers(db, login, scope))) continue
        grants.push({
          login: grant.login,
          level: grant.level,
          project: project ?? null,
          environment: environment?.name ?? null,
          grantedBy: grant.grantedBy,
          created: grant.createdAt.toISOString(),
        })
      }
      return { grants }
    },
  )

  typed.post(
    '/api/esc/grants/:org',
    { config: { access: 'member', body: 'json' }, schema: { params: Organization, body: NewGrant } },
    async (request, reply) => {
      const { login, level } = request.body
      await inTransaction(db, async (transaction) => {
        const scope = await demandScope(transaction, request, request.body)
        await giveGrant(transaction, { scope, login, level, grantedBy: request.login })
        await audit(transaction, request, 'grant.give', scope, { login, level })
      })
      return reply.code(204).send()
    },
  )

  typed.delete(
    '/api/esc/grants/:org',
    { config: { access: 'member', body: 'json' }, schema: { params: Organization, body: Scope } },
    async (request, reply) => {
      const { login } = request.body
      await inTransaction(db, async (transaction) => {
        const scope = await demandScope(transaction, request, request.body)
        await takeGrant(transaction, { scope, login })
        await audit(transaction, request, 'grant.take', scope, { login })
      })
      return reply.code(204).send()
    },
  )
}

/** The scope that a body names, for somebody who administers it. @throws Refusal */
async function demandScope(
  db: Queryable,
  request: FastifyRequest,
  { project, environment: name }: Static<typeof Scope>,
): Promise<GrantScope> {
  const { org: organization } = request.params as Static<typeof Organization>
  if (name !== undefined && project === undefined) {
    throw new Refusal('invalid', 'a grant on an environment needs its project too')
  }
  const scope: GrantScope = { organization }
  if (name !== undefined && project !== undefined) {
    const environment = await findEnvironment(db, { organization, project, name })
    if (!environment || !(await levelOn(db, request.login, environment))) {
      throw new Refusal('not-found', `there is no environment ${organization}/${project}/${name}`)
    }
    scope.project = project
    scope.environmentId = environment.id
  } else if (project !== undefined) scope.project = project
  if (!(await administers(db, request.login, scope))) {
    throw new Refusal('forbidden', 'only who has the permission "admin" there may give or take grants')
  }
  return scope
}

async function administers(db: Queryable, login: string, scope: GrantScope): Promise<boolean> {
  const { organization, project, environmentId } = scope
  const level =
    project === undefined
      ? await levelOnOrganization(db, login, organization)
      : environmentId === undefined
        ? await levelOnProject(db, login, { organization, project })
        : await levelOn(db, login, { id: environmentId, organization, project })
  return allows(level, 'admin')
}

async function audit(
  db: Queryable,
  request: FastifyRequest,
  action: string,
  scope: GrantScope,
  details: Record<string, string>,
): Promise<void> {
  await appendAudit(db, {
    actor: request.login,
    action,
    organization: scope.organization,
    ...(scope.environmentId !== undefined && { environmentId: scope.environmentId }),
    details: { ...details, project: scope.project ?? null },
  })
}
