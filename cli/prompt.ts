/** Asks the person at the terminal, and reads what is piped in. */
import { createInterface } from 'node:readline/promises'
import { Writable, type Readable } from 'node:stream'
import type { Context } from './context.ts'
import { EXIT, Failure } from './failure.ts'

export async function readAll(input: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of input) chunks.push(Buffer.from(chunk as Uint8Array | string))
  return Buffer.concat(chunks).toString('utf8')
}

/** One line that is not shown while it is typed. */
export async function askSecret(context: Context, question: string): Promise<string> {
  context.errors.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: context.input, output: nowhere, terminal: true })
  try {
    return await reader.question('', { signal: context.signal })
  } catch {
    throw new Failure('interrupted', EXIT.interrupted)
  } finally {
    reader.close()
    context.errors.write('\n')
  }
}

/** One line, as typed. */
export async function ask(context: Context, question: string): Promise<string> {
  const reader = createInterface({ input: context.input, output: context.errors })
  try {
    return (await reader.question(question, { signal: context.signal })).trim()
  } catch {
    throw new Failure('interrupted', EXIT.interrupted)
  } finally {
    reader.close()
  }
}

/** Goes on only when the person types the name of what would be lost. @throws Failure */
export async function confirm(context: Context, what: string, name: string): Promise<void> {
  if (!context.input.isTTY) throw new Failure(`${what}: add --yes to confirm`)
  const typed = await ask(context, `${what}. Type its name (${name}) to confirm: `)
  if (typed !== name) throw new Failure('not confirmed, nothing was done')
}
