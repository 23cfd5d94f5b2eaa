/** Who is asking: the access token of a request. Tokens are never logged and never part of an answer. */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '../model/refusal.ts'
import { authenticateToken } from '../store/tokens.ts'
import type { Database } from '../store/database.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking; empty on routes for anyone. */
    login: string
  }
}

/** Sets `request.login`. `Authorization: token T` is what ESC clients send; `Bearer T` works too. @throws Refusal unauthenticated */
export async function authenticate(db: Database, request: FastifyRequest): Promise<void> {
  const [, scheme, token] = /^(\S+)\s+(\S+)\s*$/.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined || !['token', 'bearer'].includes(scheme!.toLowerCase())) {
    throw new Refusal(
      'unauthenticated',
      'this needs an access token, in the header "Authorization: token …"; an administrator can make one',
    )
  }
  request.login = (await authenticateToken(db, token)).login
}
