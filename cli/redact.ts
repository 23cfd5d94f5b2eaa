/** Takes secrets out of a stream of output, also where one is cut across two chunks. */
import { Transform } from 'node:stream'

const MARK = Buffer.from('[secret]')
/** Shorter ones would take out half of every word. */
const SHORTEST = 3

/** Secrets of less than three characters stay; those of several lines go as a whole and line by line. */
export function redactor(secrets: string[]): Transform {
  const whole = secrets.flatMap((secret) => [secret, secret.trim(), ...secret.split(/\r?\n/)])
  const needles = [...new Set(whole)]
    .filter((secret) => secret.length >= SHORTEST)
    .map((secret) => Buffer.from(secret))
    .sort((a, b) => b.length - a.length)
  let rest: Buffer = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, chunk])
      const [clean, held] = takeOut(rest, needles, false)
      rest = held
      done(null, clean)
    },
    flush(done) {
      done(null, takeOut(rest, needles, true)[0])
    },
  })
}

/** What may be shown, and the end that may be the beginning of a secret. */
function takeOut(bytes: Buffer, needles: Buffer[], atEnd: boolean): [Buffer, Buffer] {
  const shown: Buffer[] = []
  let at = 0
  for (;;) {
    const found = firstOf(bytes, needles, at)
    const held = atEnd ? bytes.length : heldFrom(bytes, needles, at)
    if (!found || held <= found.index) {
      shown.push(bytes.subarray(at, held))
      return [Buffer.concat(shown), bytes.subarray(held)]
    }
    shown.push(bytes.subarray(at, found.index), MARK)
    at = found.index + found.length
  }
}

function firstOf(
  bytes: Buffer,
  needles: Buffer[],
  from: number,
): { index: number; length: number } | undefined {
  let first: { index: number; length: number } | undefined
  for (const needle of needles) {
    const index = bytes.indexOf(needle, from)
    // The longest comes first in the list, so that of two that begin alike the longer one goes.
    if (index >= 0 && (!first || index < first.index)) first = { index, length: needle.length }
  }
  return first
}

/** Where the longest end begins that a secret begins with. */
function heldFrom(bytes: Buffer, needles: Buffer[], from: number): number {
  const longest = needles[0]?.length ?? 0
  for (let at = Math.max(from, bytes.length - longest + 1); at < bytes.length; at++) {
    const end = bytes.subarray(at)
    if (needles.some((needle) => needle.length > end.length && needle.subarray(0, end.length).equals(end)))
      return at
  }
  return bytes.length
}
