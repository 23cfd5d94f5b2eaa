/**
 * Schedules. The row is the truth; Temporal's copy is written inside the row's transaction, so that while Temporal is
 * away nothing changes here either. A copy whose row was not committed after all only starts plans that find no row.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { formatEnvironmentName } from '../../model/environment-name.ts'
import { Refusal } from '../../model/refusal.ts'
import { appendAudit } from '../../store/audit.ts'
import type { Queryable } from '../../store/database.ts'
import { recordPassedOver } from '../../store/due-times.ts'
import type { Environment } from '../../store/environments.ts'
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  lockSchedule,
  updateSchedule,
  type Schedule,
} from '../../store/schedules.ts'
import { inTransaction } from '../../store/transaction.ts'
import { demandRevision } from '../definition.ts'
import { ENVIRONMENT, EnvironmentPath } from '../parameters.ts'
import { demandRotateCalls } from '../rotate-paths.ts'
import { scheduleHistoryJson, scheduleJson } from '../schedule-json.ts'
import { readTimes, refuseOver } from '../schedule-times.ts'
import type { Services } from '../services.ts'

const Nullable = Type.Union([Type.String(), Type.Null()])
const ScheduleBody = Type.Object({
  scheduleCron: Type.Optional(Nullable),
  /** RFC 3339. */
  scheduleOnce: Type.Optional(Nullable),
  timezone: Type.Optional(Type.String()),
  secretRotationRequest: Type.Optional(Type.Object({ environmentPath: Type.Optional(Nullable) })),
})
const SchedulePath = Type.Object({ ...EnvironmentPath.properties, id: Type.String() })

export function scheduleRoutes(app: FastifyInstance, services: Services): void {
  const { db } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const readers = { access: { environment: 'read' } } as const
  const writers = { access: { environment: 'write' } } as const
  const collection = `${ENVIRONMENT}/schedules`
  const item = `${collection}/:id`

  const limitsFor = ({ id }: Environment) => ({ seed: id, shortest: services.minScheduleInterval })

  /** Changes a row, and Temporal's copy before the change is committed. What is over for good is refused. */
  const change = async (
    request: FastifyRequest,
    action: string,
    work: (transaction: Queryable) => Promise<Schedule>,
  ) => {
    const { environment, login } = request
    const schedule = await inTransaction(db, async (transaction) => {
      const changed = await work(transaction)
      if (action !== 'schedule.pause') refuseOver(changed, changed.effectiveAt)
      await appendAudit(transaction, {
        actor: login,
        action,
        organization: environment.organization,
        environmentId: environment.id,
        details: {
          schedule: changed.id,
          ...(changed.once ? { once: changed.once.toISOString() } : { cron: changed.cron }),
          timezone: changed.timezone,
          path: changed.path,
        },
      })
      await services.schedules.sync(changed, nameOf(environment))
      return changed
    })
    return scheduleJson(db, schedule, environment)
  }

  typed.get(collection, { config: readers, schema: { params: EnvironmentPath } }, async ({ environment }) => {
    const schedules = await listSchedules(db, environment.id)
    return {
      schedules: await Promise.all(schedules.map((schedule) => scheduleJson(db, schedule, environment))),
    }
  })

  typed.post(
    collection,
    { config: { ...writers, body: 'json' }, schema: { params: EnvironmentPath, body: ScheduleBody } },
    async (request) => {
      const { environment, login, body } = request
      const times = readTimes(body, undefined, limitsFor(environment))
      const path = await readPath(db, request, body)
      return change(request, 'schedule.create', (transaction) =>
        createSchedule(transaction, {
          environmentId: environment.id,
          ...times,
          path: path ?? null,
          owner: login,
        }),
      )
    },
  )

  typed.get(item, { config: readers, schema: { params: SchedulePath } }, async (request) =>
    scheduleJson(db, await demandSchedule(db, request), request.environment),
  )

  // Who edits a schedule becomes its owner: from then on it acts with that person's permissions.
  for (const method of ['PATCH', 'POST'] as const) {
    typed.route({
      method,
      url: item,
      config: { ...writers, body: 'json' },
      schema: { params: SchedulePath, body: ScheduleBody },
      handler: async (request) => {
        const { environment, login, body } = request
        const { id } = await demandSchedule(db, request)
        const path = await readPath(db, request, body)
        return change(request, 'schedule.edit', async (transaction) => {
          const before = await lockSchedule(transaction, id)
          return beginAnew(transaction, before, {
            // What is not said stays as it is now, not as it was before somebody else's edit.
            ...readTimes(body, before, limitsFor(environment)),
            ...(path !== undefined && { path }),
            owner: login,
          })
        })
      },
    })
  }

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    typed.post(`${item}/${verb}`, { config: writers, schema: { params: SchedulePath } }, async (request) => {
      const { id } = await demandSchedule(db, request)
      return change(request, `schedule.${verb}`, async (transaction) => {
        const before = await lockSchedule(transaction, id)
        // It would begin anew, and a due time that is late just now would be missed.
        return before.paused === paused ? before : beginAnew(transaction, before, { paused })
      })
    })
  }

  typed.delete(item, { config: writers, schema: { params: SchedulePath } }, async (request, reply) => {
    const { id } = await demandSchedule(db, request)
    await inTransaction(db, async (transaction) => {
      await deleteSchedule(transaction, id)
      await appendAudit(transaction, {
        actor: request.login,
        action: 'schedule.delete',
        organization: request.environment.organization,
        environmentId: request.environment.id,
        details: { schedule: id },
      })
      await services.schedules.delete(id)
    })
    return reply.code(204).send()
  })

  typed.get(`${item}/history`, { config: readers, schema: { params: SchedulePath } }, async (request) => {
    const { id } = await demandSchedule(db, request)
    return { scheduleHistoryEvents: await scheduleHistoryJson(db, id) }
  })
}

/** Due times before the edit are no longer the schedule's: the history tells as missed those that nothing serves. */
async function beginAnew(
  db: Queryable,
  before: Schedule,
  edit: Parameters<typeof updateSchedule>[2],
): Promise<Schedule> {
  const changed = await updateSchedule(db, before.id, edit)
  if (!before.paused) await recordPassedOver(db, before, new Date(changed.effectiveAt.getTime() + 1))
  return changed
}

/** Undefined: nothing said. Null: the whole environment. @throws Refusal invalid when it names no rotate call. */
async function readPath(
  db: Queryable,
  request: FastifyRequest,
  { secretRotationRequest }: Static<typeof ScheduleBody>,
): Promise<string | null | undefined> {
  const path = secretRotationRequest?.environmentPath
  if (path === undefined) return undefined
  if (path === null || path === '') return null
  const { text } = await demandRevision(db, request)
  return demandRotateCalls(formatEnvironmentName(request.environment), text, [path])[0]
}

async function demandSchedule(db: Queryable, { params, environment }: FastifyRequest): Promise<Schedule> {
  const { id } = params as Static<typeof SchedulePath>
  const schedule = await getSchedule(db, id)
  if (!schedule || schedule.environmentId !== environment.id) {
    throw new Refusal('not-found', `${nameOf(environment)} has no schedule ${id}`)
  }
  return schedule
}

function nameOf({ organization, project, name }: Environment): string {
  return `${organization}/${project}/${name}`
}
