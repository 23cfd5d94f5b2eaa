/** The opaque text that says where a page of a listing ended. */
import { Refusal } from '../model/refusal.ts'

export function encodePageToken(parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @throws Refusal invalid, when it is not a token of that many parts. */
export function decodePageToken(token: string, length: number): string[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts.length !== length || !parts.every((part) => typeof part === 'string'))
    throw new Refusal('invalid', 'this page token was not given by this server')
  return parts
}
