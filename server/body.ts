/**
 * Request bodies. What a body is, the route says: the clients' content types do not (the `esc` command sends YAML as
 * JSON and empty bodies as JSON, the SDK sends forms without a field).
 */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '../model/refusal.ts'

/** `json`: an object is demanded. `optional-json`: nothing is an empty object. `text`: as it came. */
export type BodyKind = 'none' | 'json' | 'optional-json' | 'text'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: none. */
    body?: BodyKind
  }
}

/** Above what any definition may have, so that one that is too long is still read and answered in words. */
export const BODY_LIMIT = 8 * 1024 * 1024

/** Turns the bytes into what the route takes, before they are validated. @throws Refusal invalid */
export function readBody(request: FastifyRequest): void {
  const kind = request.routeOptions.config.body ?? 'none'
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (kind === 'none') request.body = undefined
  else if (kind === 'text') request.body = decode(bytes)
  else request.body = readJson(decode(bytes), kind === 'optional-json')
}

function readJson(text: string, optional: boolean): object {
  if (text.trim() === '') {
    if (optional) return {}
    throw new Refusal('invalid', 'the request body is empty; a JSON object is needed')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refusal('invalid', 'the request body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('invalid', 'the request body must be a JSON object')
  }
  return value
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Refusal('invalid', 'the request body is not UTF-8 text')
  }
}
