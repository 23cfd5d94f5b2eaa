/** Which rotators and login providers there are, and what each takes and yields: the same for everybody who may ask. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { rotatorNames } from '../../rotators/index.ts'
import { loginNames } from '../../rotators/logins/index.ts'
import { demandMember } from '../authorize.ts'
import type { Services } from '../services.ts'

const Name = Type.Object({ name: Type.String() })
/** ESC clients may say whose they want to see; here every organization has the same. */
const Organization = Type.Object({ orgName: Type.Optional(Type.String()) })

export function catalogueRoutes(app: FastifyInstance, { db, findRotator, findLogin }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const config = { access: 'user' } as const
  const list = { config, schema: { querystring: Organization } }
  const one = { config, schema: { params: Name, querystring: Organization } }

  const demandOrganization = async ({ login, query }: FastifyRequest) => {
    const { orgName = '' } = query as { orgName?: string }
    if (orgName !== '') await demandMember(db, login, orgName)
  }

  typed.get('/api/esc/rotators', list, async (request) => {
    await demandOrganization(request)
    return { rotators: rotatorNames() }
  })

  typed.get('/api/esc/rotators/:name/schema', one, async (request) => {
    await demandOrganization(request)
    const rotator = findRotator(request.params.name)
    if (!rotator) throw absent('rotator', request.params.name, rotatorNames())
    const { name, title, inputs, state, outputs, slots, permissions, withoutTarget = false } = rotator
    return { name, description: title, inputs, outputs, state, slots, withoutTarget, permissions }
  })

  typed.get('/api/esc/providers', list, async (request) => {
    await demandOrganization(request)
    return { providers: loginNames() }
  })

  typed.get('/api/esc/providers/:name/schema', one, async (request) => {
    await demandOrganization(request)
    const login = findLogin(request.params.name)
    if (!login) throw absent('provider', request.params.name, loginNames())
    const { name, title, inputs, outputs } = login
    return { name, description: title, inputs, outputs }
  })
}

function absent(kind: string, name: string, known: string[]): Refusal {
  return new Refusal('not-found', `there is no ${kind} named "${name}", only ${known.join(', ')}`)
}
