/** What rotations left to be decided, and who holds which target: listing, looking into one, and deciding. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { calls, load } from '../../language/index.ts'
import { formatEnvironmentName, parseEnvironmentReference } from '../../model/environment-name.ts'
import { Refusal } from '../../model/refusal.ts'
import { listClaims } from '../../store/claims.ts'
import { dataKeyOf, findEnvironment } from '../../store/environments.ts'
import { latestRevision } from '../../store/revisions.ts'
import { findRotation, listRotations, timelineOf, type RotationRecord } from '../../store/rotation-records.ts'
import { answerEvent, beginAndAnswer, KeyHeader, requestKeyOf, WaitQuery } from '../event-answer.ts'
import { nextSteps } from '../next-steps.ts'
import { Organization, readCount, WholeNumber } from '../parameters.ts'
import { environmentJson, leftoverOf, recordJson, stepJson } from '../rotation-record-json.ts'
import type { Services } from '../services.ts'

const ROTATIONS = '/api/esc/rotations/:org'
const TARGETS = '/api/esc/targets/:org'
const RotationPath = Type.Object({ ...Organization.properties, id: Type.String() })
const EventPath = Type.Object({ ...Organization.properties, event: Type.String() })
const ListQuery = Type.Object({
  /** `project/environment` */
  environment: Type.Optional(Type.String()),
  all: Type.Optional(Type.Enum(['true', 'false'])),
  count: Type.Optional(WholeNumber),
})
const DiscardBody = Type.Object({
  key: Type.Optional(Type.String({ pattern: '^[\\w.@/+=-]{1,200}$' })),
  giveUp: Type.Optional(Type.Boolean()),
})
const ReleaseBody = Type.Object({
  target: Type.String({ minLength: 1 }),
  giveUp: Type.Optional(Type.Boolean()),
})

export function unsettledRoutes(app: FastifyInstance, services: Services): void {
  const { db, rotations, findRotator } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  // Unsettled ones, unless `all=true`; of deleted environments for administrators of the organization.
  typed.get(
    ROTATIONS,
    { config: { access: 'member' }, schema: { params: Organization, querystring: ListQuery } },
    async ({ login, params: { org }, query }) => {
      const only = query.environment === undefined ? undefined : await idOf(org, query.environment)
      const found = await listRotations(db, {
        organization: org,
        visibleTo: login,
        limit: readCount(query.count, 100),
        all: query.all === 'true',
        ...(only !== undefined && { environmentId: only }),
      })
      return {
        rotations: found.map((record) => recordJson(record, leftoverOf(record, findRotator(record.rotator)))),
      }
    },
  )

  typed.get(
    `${ROTATIONS}/:id`,
    { config: { access: { rotation: 'read' } }, schema: { params: RotationPath } },
    async ({ params }) => {
      const record = (await findRotation(db, params.id))!
      const leftover = leftoverOf(record, findRotator(record.rotator))
      const identity = await identityOf(record)
      return {
        rotation: { ...recordJson(record, leftover), ...(identity !== undefined && { holds: identity }) },
        timeline: (await timelineOf(db, record.id)).map(stepJson),
        next: nextSteps(record, leftover, { identity, hasCall: await hasCall(record) }),
      }
    },
  )

  typed.get(
    `${ROTATIONS}/events/:event`,
    { config: { access: { event: 'read' } }, schema: { params: EventPath } },
    ({ environment, params }) => answerEvent(db, environment.id, params.event),
  )

  for (const action of ['adopt', 'discard'] as const)
    typed.post(
      `${ROTATIONS}/:id/${action}`,
      {
        config: { access: { rotation: 'write' }, body: 'optional-json' },
        schema: {
          params: RotationPath,
          querystring: WaitQuery,
          headers: KeyHeader,
          body: action === 'discard' ? DiscardBody : Type.Object({}),
        },
      },
      async (request, reply) => {
        const { environment, login, params } = request
        const { key, giveUp } = request.body as { key?: string; giveUp?: boolean }
        const requestKey = requestKeyOf(request)
        // A repeat is answered from what it began, also when that has settled the rotation.
        if (requestKey === null || !(await rotations.isKnown(environment.id, requestKey)))
          refuseSettled((await findRotation(db, params.id))!)
        const subject = {
          rotation: params.id,
          ...(key !== undefined && { key }),
          ...(giveUp && { giveUp }),
        }
        return beginAndAnswer(app, services, {
          request,
          reply,
          asked: { ...byHand(environment.id, login, requestKey), action, subject },
        })
      },
    )

  typed.get(
    TARGETS,
    { config: { access: 'member' }, schema: { params: Organization } },
    async ({ login, params }) => ({
      targets: (await listClaims(db, { organization: params.org, login })).map((claim) => ({
        target: claim.target,
        ...environmentJson(claim),
        environmentPath: claim.path,
        claimed: claim.claimedAt.toISOString(),
        unsettled: claim.unsettled,
      })),
    }),
  )

  typed.post(
    `${TARGETS}/release`,
    {
      config: { access: { target: 'write' }, body: 'json' },
      schema: { params: Organization, querystring: WaitQuery, headers: KeyHeader, body: ReleaseBody },
    },
    (request, reply) => {
      const { environment, login, body } = request
      const subject = { target: body.target, ...(body.giveUp && { giveUp: true }) }
      const asked = {
        ...byHand(environment.id, login, requestKeyOf(request)),
        action: 'release',
        subject,
      } as const
      return beginAndAnswer(app, services, { request, reply, asked })
    },
  )

  async function idOf(organization: string, text: string): Promise<string> {
    const found = await findEnvironment(db, parseEnvironmentReference(text, organization))
    if (!found || found.organization !== organization)
      throw new Refusal('not-found', `there is no environment ${organization}/${text}`)
    return found.id
  }

  /** The user or the key's id: what a credential is called, not what it is. */
  async function identityOf(record: RotationRecord): Promise<string | undefined> {
    const rotator = findRotator(record.rotator)
    if (!rotator || record.credential === null) return undefined
    const dataKey = await dataKeyOf(db, services.keeper, record.environmentId)
    const opened = dataKey.open('journal', record.id, record.credential)
    return rotator.identity(JSON.parse(opened.toString('utf8')))
  }

  async function hasCall({ environment, path, rotator }: RotationRecord): Promise<boolean> {
    if (environment.deletedAt) return false
    const newest = await latestRevision(db, environment.id)
    const { document } = load(formatEnvironmentName(environment), newest?.text ?? '')
    return calls(document).some((call) => call.path === path && call.rotator === rotator)
  }
}

function byHand(environmentId: string, login: string, requestKey: string | null) {
  return { environmentId, login, trigger: 'manual', paths: null, force: false, requestKey } as const
}

/** @throws Refusal conflict */
function refuseSettled(record: RotationRecord): void {
  if (record.unsettled) return
  throw new Refusal(
    'conflict',
    record.outcome === null
      ? `the rotation ${record.id} is under way`
      : record.sentUntil === null
        ? `the rotation ${record.id} changed nothing at its target: there is nothing to decide`
        : `the rotation ${record.id} is settled already`,
  )
}
