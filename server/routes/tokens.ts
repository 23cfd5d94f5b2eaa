/** One's own access tokens: listed without their text, shown once when made, ended for good. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { createToken, listTokens, revokeToken, type AccessToken } from '../../store/tokens.ts'
import { appendAudit } from '../../store/audit.ts'
import { inTransaction } from '../../store/transaction.ts'
import type { Services } from '../services.ts'

const NewToken = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  /** Seconds; never when absent. */
  expiresIn: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 * 366 * 86_400 })),
})
const TokenId = Type.Object({ id: Type.String() })

export function tokenRoutes(app: FastifyInstance, { db }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.get('/api/user/tokens', { config: { access: 'user' } }, async ({ login }) => ({
    tokens: (await listTokens(db, login)).map(tokenJson),
  }))

  typed.post(
    '/api/user/tokens',
    { config: { access: 'user', body: 'json' }, schema: { body: NewToken } },
    async ({ login, body }) =>
      inTransaction(db, async (transaction) => {
        const made = await createToken(transaction, {
          login,
          name: body.name,
          ...(body.expiresIn !== undefined && { expiresInMs: body.expiresIn * 1000 }),
        })
        await appendAudit(transaction, { actor: login, action: 'token.create', details: { id: made.id } })
        return { ...tokenJson(made), tokenValue: made.token.reveal() }
      }),
  )

  typed.delete(
    '/api/user/tokens/:id',
    { config: { access: 'user' }, schema: { params: TokenId } },
    async ({ login, params }, reply) => {
      await inTransaction(db, async (transaction) => {
        await revokeToken(transaction, { id: params.id, login })
        await appendAudit(transaction, { actor: login, action: 'token.revoke', details: { id: params.id } })
      })
      return reply.code(204).send()
    },
  )
}

function tokenJson(token: AccessToken) {
  return {
    id: token.id,
    name: token.name,
    created: token.createdAt.toISOString(),
    expires: token.expiresAt?.toISOString() ?? null,
    revoked: token.revokedAt?.toISOString() ?? null,
    lastUsed: token.lastUsedAt?.toISOString() ?? null,
  }
}
