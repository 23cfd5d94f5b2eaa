/** Whether who asks may: each route declares its rule, and one without a rule cannot be registered. */
import type { FastifyRequest, RouteOptions } from 'fastify'
import { formatEnvironmentName } from '../model/environment-name.ts'
import { allows, type Level } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import type { Database } from '../store/database.ts'
import type { Environment } from '../store/environments.ts'
import { levelOnOrganization, levelOnProject } from '../store/grants.ts'
import { isMember } from '../store/users.ts'
import { authorizeDeleted, type DeletedAccess } from './authorize-deleted.ts'

/** `anyone` needs no token, `user` any token, `member` one of somebody in the organization of the path. */
export type Access =
  | 'anyone'
  | 'user'
  | 'member'
  | { organization: Level }
  | { environment: Level; intoProject?: Level }
  /** The project that the body names, because something is to be made in it. */
  | { intoProject: Level }
  /** What may belong to a deleted environment. */
  | DeletedAccess

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    /** The environment that the path names, once the rule has let it through. */
    environment: Environment
  }
}

interface Names {
  org?: string
  project?: string
  name?: string
}

/** @throws when a route comes without its rule. */
export function demandRule(route: RouteOptions): void {
  if (route.config?.access === undefined) {
    throw new Error(`the route ${String(route.method)} ${route.url} does not say who may use it`)
  }
}

/** The rule of the request's route, as far as the path tells. @throws Refusal not-found, forbidden */
export async function authorize(db: Database, request: FastifyRequest): Promise<void> {
  const access = request.routeOptions.config.access!
  if (access === 'anyone' || access === 'user') return
  const { org = '', project = '', name = '' } = request.params as Names
  if (access === 'member' || !('environment' in access)) {
    if (access !== 'member' && ('rotation' in access || 'event' in access))
      request.environment = await authorizeDeleted(db, request, access)
    await demandMember(db, request.login, org)
    if (access !== 'member' && 'organization' in access) {
      const level = await levelOnOrganization(db, request.login, org)
      if (!allows(level, access.organization)) throw lacking(access.organization, `the organization ${org}`)
    }
    return
  }
  const { environment, level } = request.found ?? { environment: undefined, level: null }
  // Who may not even read it does not learn that it exists.
  if (!environment || !level) {
    throw new Refusal(
      'not-found',
      `there is no environment ${org}/${formatEnvironmentName({ project, name })}`,
    )
  }
  if (!allows(level, access.environment)) {
    throw lacking(access.environment, `${org}/${formatEnvironmentName(environment)}`, level)
  }
  request.environment = environment
}

/** True where a part of the rule is left, which only the body tells. */
export function bodyDecides(request: FastifyRequest): boolean {
  const { access } = request.routeOptions.config
  return typeof access === 'object' && ('target' in access || 'intoProject' in access)
}

/** The part of the rule that only the body tells. @throws Refusal not-found, forbidden */
export async function authorizeBody(db: Database, request: FastifyRequest): Promise<void> {
  const access = request.routeOptions.config.access!
  if (typeof access === 'object' && 'target' in access)
    request.environment = await authorizeDeleted(db, request, access)
  if (typeof access === 'string' || !('intoProject' in access) || access.intoProject === undefined) return
  const { org = '', project: own } = request.params as Names
  const { project = own ?? '' } = (request.body ?? {}) as { project?: string }
  const level = await levelOnProject(db, request.login, { organization: org, project })
  if (!allows(level, access.intoProject))
    throw lacking(access.intoProject, `the project ${org}/${project}`, level)
}

/** @throws Refusal not-found */
export async function demandMember(db: Database, login: string, organization: string): Promise<void> {
  if (!(await isMember(db, organization, login))) {
    throw new Refusal('not-found', `you belong to no organization ${organization}`)
  }
}

function lacking(needed: Level, where: string, level: Level | null = null): Refusal {
  return new Refusal(
    'forbidden',
    `this needs the permission "${needed}" on ${where}, and you have ${level ? `"${level}"` : 'none'}; ask an administrator`,
  )
}
