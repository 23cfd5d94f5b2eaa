/** A revision's text as an answer: the bytes, its number, and the tag for clients that edit what they have read. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parseVersion } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from '../store/database.ts'
import { etag, revisionAt, type Revision } from '../store/revisions.ts'

/** The header that ESC clients read a revision's number from. */
export const REVISION_HEADER = 'Pulumi-ESC-Revision'

/** The revision that a path names: a number, a tag or `latest`. @throws Refusal invalid, not-found */
export async function demandRevision(
  db: Queryable,
  { environment }: FastifyRequest,
  version = 'latest',
): Promise<Revision> {
  const revision = await revisionAt(db, environment.id, parseVersion(version))
  if (!revision)
    throw new Refusal('not-found', `${environment.project}/${environment.name} has no revision ${version}`)
  return revision
}

export function sendDefinition(
  reply: FastifyReply,
  revision: Pick<Revision, 'environmentId' | 'number'> & { text?: string },
  text = revision.text ?? '',
): FastifyReply {
  return setRevisionHeaders(reply, revision.environmentId, revision.number)
    .type('application/x-yaml; charset=utf-8')
    .send(text)
}

export function setRevisionHeaders(reply: FastifyReply, environmentId: string, number: number): FastifyReply {
  return reply.header('ETag', etag(environmentId, number)).header(REVISION_HEADER, String(number))
}

/** The tag that a client read before it edited; the `esc` command sends it as `ETag`, others as `If-Match`. */
export function readEtag({ headers }: FastifyRequest): string | undefined {
  const sent = headers['etag'] ?? headers['if-match']
  const tag = (Array.isArray(sent) ? sent[0] : sent)
    ?.trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
  return tag === '' || tag === '*' ? undefined : tag
}
