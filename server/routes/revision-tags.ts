/** Names for revisions. `latest` is always there and nobody's to set. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { appendAudit, type AuditEntry } from '../../store/audit.ts'
import type { Environment } from '../../store/environments.ts'
import {
  createRevisionTag,
  deleteRevisionTag,
  getRevisionTag,
  listRevisionTags,
  moveRevisionTag,
  type RevisionTag,
} from '../../store/revision-tags.ts'
import { inTransaction } from '../../store/transaction.ts'
import { ENVIRONMENT, EnvironmentPath, readCount, WholeNumber } from '../parameters.ts'
import type { Services } from '../services.ts'

const Page = Type.Object({ after: Type.Optional(Type.String()), count: Type.Optional(WholeNumber) })
const TagPath = Type.Object({ ...EnvironmentPath.properties, tag: Type.String() })
/** Without a number: the newest. */
const Revision = Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }))
const NewTag = Type.Object({ name: Type.String({ minLength: 1 }), revision: Revision })
const MovedTag = Type.Object({ revision: Revision })

export function revisionTagRoutes(app: FastifyInstance, { db }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const readers = { access: { environment: 'read' } } as const
  const writers = { access: { environment: 'write' } } as const

  // A client asks again, after the last name, until the list is empty.
  typed.get(
    `${ENVIRONMENT}/versions/tags`,
    { config: readers, schema: { params: EnvironmentPath, querystring: Page } },
    async ({ environment, query }) => {
      const tags = await listRevisionTags(db, environment.id, {
        after: query.after ?? '',
        count: readCount(query.count),
      })
      return { tags: tags.map(tagJson), nextToken: '' }
    },
  )

  typed.get(
    `${ENVIRONMENT}/versions/tags/:tag`,
    { config: readers, schema: { params: TagPath } },
    async ({ environment, params }) => {
      const tag = await getRevisionTag(db, environment.id, params.tag)
      if (!tag) throw new Refusal('not-found', `there is no revision tag "${params.tag}"`)
      return tagJson(tag)
    },
  )

  typed.post(
    `${ENVIRONMENT}/versions/tags`,
    { config: { ...writers, body: 'json' }, schema: { params: EnvironmentPath, body: NewTag } },
    async ({ environment, login, body }, reply) => {
      const revision = body.revision ?? environment.newestRevision
      await inTransaction(db, async (transaction) => {
        await createRevisionTag(transaction, {
          environmentId: environment.id,
          name: body.name,
          revision,
          editor: login,
        })
        await appendAudit(
          transaction,
          entry(login, 'revision-tag.create', environment, { name: body.name, revision }),
        )
      })
      return reply.code(204).send()
    },
  )

  typed.patch(
    `${ENVIRONMENT}/versions/tags/:tag`,
    { config: { ...writers, body: 'optional-json' }, schema: { params: TagPath, body: MovedTag } },
    async ({ environment, login, params, body }, reply) => {
      const revision = body.revision ?? environment.newestRevision
      await inTransaction(db, async (transaction) => {
        await moveRevisionTag(transaction, {
          environmentId: environment.id,
          name: params.tag,
          revision,
          editor: login,
        })
        await appendAudit(
          transaction,
          entry(login, 'revision-tag.move', environment, { name: params.tag, revision }),
        )
      })
      return reply.code(204).send()
    },
  )

  typed.delete(
    `${ENVIRONMENT}/versions/tags/:tag`,
    { config: writers, schema: { params: TagPath } },
    async ({ environment, login, params }, reply) => {
      await inTransaction(db, async (transaction) => {
        await deleteRevisionTag(transaction, environment.id, params.tag)
        await appendAudit(transaction, entry(login, 'revision-tag.delete', environment, { name: params.tag }))
      })
      return reply.code(204).send()
    },
  )
}

function tagJson(tag: RevisionTag) {
  return {
    name: tag.name,
    revision: tag.revision,
    created: tag.createdAt.toISOString(),
    modified: tag.modifiedAt.toISOString(),
    editorLogin: tag.editor,
    editorName: tag.editorName,
  }
}

function entry(
  actor: string,
  action: string,
  { id, organization }: Environment,
  details: Record<string, string | number>,
): AuditEntry {
  return { actor, action, organization, environmentId: id, details }
}
