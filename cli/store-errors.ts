/** What the PostgreSQL of the store says when it cannot be used, in words for the operator. */
import { Failure } from './failure.ts'

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name cannot be resolved right now',
  ETIMEDOUT: 'it does not answer',
  '28P01': 'it refuses the user or the password',
  '28000': 'it refuses this user',
  '3D000': 'it has no such database',
  '42501': 'the user may not change its schema',
  '42P01': 'it has no schema of Rekey yet: run "rekey migrate"',
  '57P03': 'it is starting or stopping',
}

/** @throws Failure instead of a driver's error, whose text may hold more than people should read. */
export async function inWordsOfStore<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    throw new Failure(
      `the PostgreSQL of REKEY_DATABASE_URL cannot be used: ${WORDS[code] ?? `it answered ${code}`}`,
    )
  }
}

function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string') return code
    const [first] = (at as AggregateError).errors ?? []
    if (first !== undefined) return codeOf(first)
  }
  return undefined
}
