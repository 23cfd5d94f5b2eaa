/** What is in an environment: read with its secrets sealed or in clear, replaced as a whole, deleted, cloned. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { cloneEnvironment } from '../../environments/clone.ts'
import { decryptDefinition } from '../../environments/decrypt.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import { saveDefinition } from '../../environments/save.ts'
import { demandRevision, readEtag, sendDefinition, setRevisionHeaders } from '../definition.ts'
import { ENVIRONMENT, EnvironmentPath, RevisionPath } from '../parameters.ts'
import { sendDone } from '../sdk-version.ts'
import type { Services } from '../services.ts'

const Flag = Type.Optional(Type.Boolean())
const Clone = Type.Object({
  project: Type.Optional(Type.String()),
  name: Type.String(),
  version: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 0 })])),
  preserveHistory: Flag,
  preserveAccess: Flag,
  preserveEnvironmentTags: Flag,
  preserveRevisionTags: Flag,
})

export function definitionRoutes(app: FastifyInstance, services: Services): void {
  const { db } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.get(
    ENVIRONMENT,
    { config: { access: { environment: 'read' } }, schema: { params: EnvironmentPath } },
    async (request, reply) => sendDefinition(reply, await demandRevision(db, request)),
  )

  for (const [url, params] of [
    [`${ENVIRONMENT}/decrypt`, EnvironmentPath],
    [`${ENVIRONMENT}/versions/:version/decrypt`, RevisionPath],
  ] as const) {
    typed.get(
      url,
      { config: { access: { environment: 'open' } }, schema: { params } },
      async (request, reply) => {
        const { environment, login } = request
        const { version } = request.params as { version?: string }
        const { text, revision } = await decryptDefinition(services, {
          environment,
          login,
          ...(version !== undefined && { version }),
        })
        return sendDefinition(reply, { environmentId: environment.id, number: revision }, text)
      },
    )
  }

  typed.patch(
    ENVIRONMENT,
    { config: { access: { environment: 'write' }, body: 'text' }, schema: { params: EnvironmentPath } },
    async (request, reply) => {
      const { environment, login } = request
      const ifMatch = readEtag(request)
      const saved = await saveDefinition(services, {
        environment,
        login,
        text: request.body as string,
        ...(ifMatch !== undefined && { ifMatch }),
      })
      const { diagnostics } = saved
      return setRevisionHeaders(reply, environment.id, saved.revision).send(
        diagnostics.length > 0 ? { diagnostics } : {},
      )
    },
  )

  typed.delete(
    ENVIRONMENT,
    { config: { access: { environment: 'admin' } }, schema: { params: EnvironmentPath } },
    async (request, reply) => {
      const { environment, login } = request
      const { scheduleIds } = await deleteEnvironment(services, { environment, login })
      // What stays behind in Temporal while that is away starts plans that find no schedule.
      for (const id of scheduleIds) {
        await services.schedules.delete(id).catch((error: unknown) => {
          request.log.warn(
            { err: error, scheduleId: id },
            'the schedule of a deleted environment stays in Temporal',
          )
        })
      }
      return sendDone(request, reply)
    },
  )

  typed.post(
    `${ENVIRONMENT}/clone`,
    {
      config: { access: { environment: 'open', intoProject: 'write' }, body: 'json' },
      schema: { params: EnvironmentPath, body: Clone },
    },
    async ({ environment, login, body }, reply) => {
      const { project = environment.project, name, version, preserveHistory, preserveAccess } = body
      await cloneEnvironment(services, {
        source: environment,
        target: { project, name },
        login,
        ...(version !== undefined && version !== 0 && { version: String(version) }),
        preserveHistory: preserveHistory ?? false,
        preserveAccess: preserveAccess ?? false,
        preserveRevisionTags: body.preserveRevisionTags ?? false,
      })
      return reply.code(204).send()
    },
  )
}
