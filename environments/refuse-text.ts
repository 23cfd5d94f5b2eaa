/** Texts that are refused before anything reads them. */
import { Refusal } from '../model/refusal.ts'

/** @throws Refusal too-large */
export function refuseTooLarge(text: string, maxSize: number): void {
  const size = Buffer.byteLength(text)
  if (size > maxSize)
    throw new Refusal('too-large', `the definition has ${size} bytes; the most there may be is ${maxSize}`)
}

/** What no revision may hold. @throws Refusal too-large, invalid */
export function refuseUnusable(text: string, maxSize: number): void {
  refuseTooLarge(text, maxSize)
  if (text.trim() === '')
    throw new Refusal('invalid', 'the definition is empty; write "values: {}" for one without values')
  if (text.includes('\0'))
    throw new Refusal('invalid', 'the definition holds a NUL character, which is no text')
}
