/** Who is asking: the access token of a request. Tokens are never logged and never part of an answer. */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '../model/refusal.ts'
import { importsSeen } from '../environments/imports-seen.ts'
import { findCaller, type Caller } from '../store/callers.ts'
import { authenticateToken } from '../store/tokens.ts'
import type { Services } from './services.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the environment imported last time is asked about along with who asks. */
    opensImports?: boolean
  }
  interface FastifyRequest {
    /** Who is asking; empty on routes for anyone. */
    login: string
    /** What the path names, for the rule of a route of one environment to judge. */
    found?: Caller
  }
}

/** Sets `request.login`, and `request.found` on routes of one environment. `Authorization: token T` is what ESC clients send; `Bearer T` works too. @throws Refusal unauthenticated */
export async function authenticate(services: Services, request: FastifyRequest): Promise<void> {
  const { db } = services
  const [, scheme, token] = /^(\S+)\s+(\S+)\s*$/.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined || !['token', 'bearer'].includes(scheme!.toLowerCase())) {
    throw new Refusal(
      'unauthenticated',
      'this needs an access token, in the header "Authorization: token …"; an administrator can make one',
    )
  }
  const { access, opensImports } = request.routeOptions.config
  if (typeof access === 'object' && 'environment' in access) {
    const { org = '', project = '', name = '', session } = request.params as Record<string, string>
    const environment = { organization: org, project, name }
    const others = opensImports ? importsSeen(services, environment) : []
    const found = await findCaller(db, token, environment, { session, others })
    request.found = found
    request.login = found.login
  } else request.login = (await authenticateToken(db, token)).login
}
