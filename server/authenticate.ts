/** Who is asking: the access token of a request. Tokens are never logged and never part of an answer. */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '../model/refusal.ts'
import { findCaller, type EnvironmentOfCaller } from '../store/callers.ts'
import type { Database } from '../store/database.ts'
import { authenticateToken } from '../store/tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking; empty on routes for anyone. */
    login: string
    /** What the path names, for the rule of a route of one environment to judge. */
    found?: EnvironmentOfCaller
  }
}

/** Sets `request.login`, and `request.found` on routes of one environment. `Authorization: token T` is what ESC clients send; `Bearer T` works too. @throws Refusal unauthenticated */
export async function authenticate(db: Database, request: FastifyRequest): Promise<void> {
  const [, scheme, token] = /^(\S+)\s+(\S+)\s*$/.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined || !['token', 'bearer'].includes(scheme!.toLowerCase())) {
    throw new Refusal(
      'unauthenticated',
      'this needs an access token, in the header "Authorization: token …"; an administrator can make one',
    )
  }
  const { access } = request.routeOptions.config
  if (typeof access === 'object' && 'environment' in access) {
    const { org = '', project = '', name = '' } = request.params as Record<string, string>
    const { login, ...found } = await findCaller(db, token, { organization: org, project, name })
    Object.assign(request, { login, found })
  } else request.login = (await authenticateToken(db, token)).login
}
