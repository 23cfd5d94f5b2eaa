/** Checking a text that belongs to no environment yet: what it would evaluate to, and what is wrong with it. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { checkDefinition } from '../../environments/check.ts'
import { Organization } from '../parameters.ts'
import type { Services } from '../services.ts'

const Query = Type.Object({ showSecrets: Type.Optional(Type.Enum(['true', 'false'])) })

export function checkRoutes(app: FastifyInstance, services: Services): void {
  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .post(
      '/api/esc/environments/:org/yaml/check',
      { config: { access: 'member', body: 'text' }, schema: { params: Organization, querystring: Query } },
      async ({ login, params, query, body }, reply) => {
        const { wire, diagnostics } = await checkDefinition(services, {
          organization: params.org,
          text: body as string,
          login,
          showSecrets: query.showSecrets === 'true',
        })
        const error = diagnostics.find(({ severity }) => severity === 'error')
        const frame = {
          ...(error && { code: 400, message: `the definition is not valid: ${error.summary}` }),
          // A valid definition has none: the SDK tells by that.
          ...(diagnostics.length > 0 && { diagnostics }),
        }
        return reply
          .code(error ? 400 : 200)
          .type('application/json; charset=utf-8')
          .send(joinObjects(JSON.stringify(frame), wire))
      },
    )
}

/** Two JSON objects as one, as texts: numbers of the environment keep their digits. */
function joinObjects(first: string, second: string): string {
  const empty = (text: string) => text === '{}' || text === 'null'
  if (first === '{}') return empty(second) ? first : second
  return empty(second) ? first : `${first.slice(0, -1)},${second.slice(1)}`
}
