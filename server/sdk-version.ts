/** Which status the SDK wants: it takes exactly one, and which one changed with 0.13. */
import type { FastifyReply, FastifyRequest } from 'fastify'

const WANTS_NO_CONTENT = /^esc-sdk\/ts\/v(0\.(1[3-9]|[2-9]\d)|[1-9])/

/** Answers that an environment was made or deleted. */
export function sendDone(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return WANTS_NO_CONTENT.test(request.headers['user-agent'] ?? '')
    ? reply.code(204).send()
    : reply.code(200).send({})
}
