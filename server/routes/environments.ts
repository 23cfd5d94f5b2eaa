/** Environments as things: which there are, making one. What is in them is the business of definitions.ts. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { createEnvironment } from '../../environments/create.ts'
import { listEnvironments, type EnvironmentPage } from '../../store/environments.ts'
import { Organization, readCount, WholeNumber } from '../parameters.ts'
import { sendDone } from '../sdk-version.ts'
import type { Services } from '../services.ts'

const Page = Type.Object({
  continuationToken: Type.Optional(Type.String()),
  maxResults: Type.Optional(WholeNumber),
  organization: Type.Optional(Type.String()),
})
const NewEnvironment = Type.Object({ project: Type.String(), name: Type.String() })

export function environmentRoutes(app: FastifyInstance, services: Services): void {
  const { db } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.get(
    '/api/esc/environments',
    { config: { access: 'user' }, schema: { querystring: Page } },
    async ({ login, query }) =>
      pageJson(
        await listEnvironments(db, {
          login,
          limit: readCount(query.maxResults),
          ...(query.continuationToken && { token: query.continuationToken }),
          ...(query.organization && { organization: query.organization }),
        }),
      ),
  )

  typed.get(
    '/api/esc/environments/:org',
    { config: { access: 'member' }, schema: { params: Organization, querystring: Page } },
    async ({ login, params, query }) =>
      pageJson(
        await listEnvironments(db, {
          login,
          organization: params.org,
          limit: readCount(query.maxResults),
          ...(query.continuationToken && { token: query.continuationToken }),
        }),
      ),
  )

  typed.post(
    '/api/esc/environments/:org',
    {
      config: { access: { intoProject: 'write' }, body: 'json' },
      schema: { params: Organization, body: NewEnvironment },
    },
    async (request, reply) => {
      const { login, body } = request
      await createEnvironment(services, { organization: request.params.org, ...body, login })
      return sendDone(request, reply)
    },
  )
}

function pageJson({ environments, nextToken = '' }: EnvironmentPage) {
  return {
    environments: environments.map((environment) => ({
      id: environment.id,
      organization: environment.organization,
      project: environment.project,
      name: environment.name,
      created: environment.createdAt.toISOString(),
      modified: environment.modifiedAt.toISOString(),
    })),
    nextToken,
  }
}
