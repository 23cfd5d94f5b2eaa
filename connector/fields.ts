/** What comes in, before anything is believed of it. */
import { RotationFailure } from '../model/failures.ts'

export type Fields = Readonly<Record<string, unknown>>

/** An event, or part of one; nothing at all where it is no object. */
export function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** @throws RotationFailure INPUT_INVALID */
export function textOf(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new RotationFailure('INPUT_INVALID', `${name} must be a text that is not empty`, { unchanged: true })
}
