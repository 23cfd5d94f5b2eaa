/** Every route of the API: one file per resource. */
import type { FastifyInstance } from 'fastify'
import type { Services } from '../services.ts'
import { catalogueRoutes } from './catalogue.ts'
import { checkRoutes } from './check.ts'
import { definitionRoutes } from './definitions.ts'
import { environmentRoutes } from './environments.ts'
import { grantRoutes } from './grants.ts'
import { healthRoutes } from './health.ts'
import { memberRoutes } from './members.ts'
import { revisionTagRoutes } from './revision-tags.ts'
import { rehearsalRoutes } from './rehearsals.ts'
import { revisionRoutes } from './revisions.ts'
import { oidcRoutes } from './oidc.ts'
import { rotationRoutes } from './rotations.ts'
import { scheduleRoutes } from './schedules.ts'
import { sessionRoutes } from './sessions.ts'
import { tokenRoutes } from './tokens.ts'
import { undoRoutes } from './undo.ts'
import { unsettledRoutes } from './unsettled.ts'
import { userRoutes } from './user.ts'

export const routes: ((app: FastifyInstance, services: Services) => void)[] = [
  healthRoutes,
  oidcRoutes,
  userRoutes,
  tokenRoutes,
  memberRoutes,
  grantRoutes,
  environmentRoutes,
  checkRoutes,
  definitionRoutes,
  sessionRoutes,
  revisionRoutes,
  revisionTagRoutes,
  rotationRoutes,
  rehearsalRoutes,
  undoRoutes,
  unsettledRoutes,
  scheduleRoutes,
  catalogueRoutes,
]
