/** People of an organization: an administrator adds them, with a first access token to hand over. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { appendAudit } from '../../store/audit.ts'
import { createToken } from '../../store/tokens.ts'
import { addMember, ensureUser, findUser, membersOf } from '../../store/users.ts'
import { inTransaction } from '../../store/transaction.ts'
import type { Services } from '../services.ts'

const Organization = Type.Object({ org: Type.String() })
const NewMember = Type.Object({
  login: Type.String({ minLength: 1, maxLength: 100 }),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  email: Type.Optional(Type.String({ maxLength: 320 })),
})
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}$/

export function memberRoutes(app: FastifyInstance, { db }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.get(
    '/api/orgs/:org/members',
    { config: { access: 'member' }, schema: { params: Organization } },
    async ({ params }) => ({
      members: (await membersOf(db, params.org)).map(({ login, name }) => ({ login, name })),
    }),
  )

  // Somebody who is new gets an access token in the answer; somebody who has an account keeps to their own.
  typed.post(
    '/api/orgs/:org/members',
    {
      config: { access: { organization: 'admin' }, body: 'json' },
      schema: { params: Organization, body: NewMember },
    },
    async ({ login: actor, params, body }) => {
      if (!LOGIN.test(body.login)) {
        throw new Refusal('invalid', `"${body.login}" cannot be a login: letters, digits, -, _, . and @ only`)
      }
      return inTransaction(db, async (transaction) => {
        const known = await findUser(transaction, body.login)
        await ensureUser(transaction, body)
        await addMember(transaction, params.org, body.login)
        const token = known ? undefined : await createToken(transaction, { login: body.login, name: 'first' })
        await appendAudit(transaction, {
          actor,
          action: 'member.add',
          organization: params.org,
          details: { login: body.login },
        })
        return { login: body.login, ...(token && { tokenValue: token.token.reveal() }) }
      })
    },
  )
}
