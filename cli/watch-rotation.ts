/** Asks for a rotation once, however often the network fails, and follows it to its end. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, NetworkError, type Api } from './api.ts'
import type { Context } from './context.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { EXIT, Failure } from './failure.ts'
import { note, styled } from './output.ts'
import type { Progress, RotationAnswer } from './rotation.ts'

/** Milliseconds: between two looks, and how long nobody may answer before we give up watching. */
const LOOK_EVERY = { first: 100, most: 1_000 }
const PATIENCE = 60_000

/** What a step means to who waits for it. */
const STEPS: Record<string, string> = {
  planned: 'planned',
  prepared: 'new value written down, sealed',
  applied: 'changed at the target',
  verified: 'logged in with the new value',
  published: 'published',
}

export interface Wish {
  paths: string[]
  force: boolean
}

/** The answer at its end. @throws ApiError, NetworkError, Failure (when it is not known how it went) */
export async function watchRotation(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  { paths, force }: Wish,
): Promise<RotationAnswer> {
  // The key makes asking again harmless: a lost answer never becomes a second rotation.
  const headers = { 'idempotency-key': `cli/${randomUUID()}` }
  const ask = () =>
    api.call<RotationAnswer>('POST', `${environment.path}/rotate`, {
      body: { paths, force },
      headers,
      query: { wait: 'false' },
    })
  const nameOf = (id: string) => `${environment.path}/rotate/events/${encodeURIComponent(id)}`
  const seeHistory = `"rekey env history ${environment.shortName}" tells how it went`
  let begun: RotationAnswer
  try {
    begun = await persist(context, ask, { starting: true })
  } catch (error) {
    if (!context.signal.aborted && !mayHaveArrived(error)) throw error
    throw new Failure(
      `${reasonOf(context, error)}; the rotation may have begun or begin yet: ${seeHistory}`,
      EXIT.rotationUnknown,
    )
  }
  try {
    return await untilEnd(context, begun, () => api.call<RotationAnswer>('GET', nameOf(begun.id)))
  } catch (error) {
    throw new Failure(
      `${reasonOf(context, error)}; the rotation ${begun.id} goes on without us: ${seeHistory}`,
      EXIT.rotationUnknown,
    )
  }
}

async function untilEnd(
  context: Context,
  begun: RotationAnswer,
  look: () => Promise<{ json: RotationAnswer }>,
): Promise<RotationAnswer> {
  const show = progressShower(context)
  let answer = begun
  for (let pause = LOOK_EVERY.first; ; pause = Math.min(LOOK_EVERY.most, pause * 1.2)) {
    show(answer.progress ?? [])
    if (answer.secretRotationEvent.status !== 'in_progress') return answer
    await sleep(pause, undefined, { signal: context.signal })
    answer = await persist(context, look)
  }
}

function mayHaveArrived(error: unknown): boolean {
  return error instanceof NetworkError ? !error.refused : error instanceof ApiError && error.status === 503
}

function reasonOf(context: Context, error: unknown): string {
  if (context.signal.aborted) return 'interrupted'
  return error instanceof Error ? error.message : 'unexpected error'
}

/** Tries again while nobody answers or the server says that it is not ready. */
async function persist(
  context: Context,
  call: () => Promise<{ json: RotationAnswer }>,
  { starting = false } = {},
): Promise<RotationAnswer> {
  const deadline = Date.now() + PATIENCE
  for (let told = false; ; told = true) {
    try {
      return (await call()).json
    } catch (error) {
      const passing = error instanceof NetworkError || (error instanceof ApiError && error.status === 503)
      // When the very first connection is refused, the address is wrong more often than the server away.
      const wrongAddress = starting && error instanceof NetworkError && error.refused
      if (!passing || wrongAddress || Date.now() > deadline) throw error
      if (!told) note(context, `${error.message} (trying again for ${PATIENCE / 1000} s)`)
      await sleep(1_000, undefined, { signal: context.signal })
    }
  }
}

/** One line for each step of each path, as it happens. */
function progressShower(context: Context): (progress: Progress[]) => void {
  const started = Date.now()
  const shown = new Map<string, string>()
  return (progress) => {
    const width = Math.max(...progress.map(({ environmentPath }) => environmentPath.length))
    for (const { environmentPath, step, status } of progress) {
      const state = status === 'in_progress' ? (STEPS[step] ?? step) : status
      if (shown.get(environmentPath) === state) continue
      shown.set(environmentPath, state)
      const time = `${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(7)
      note(context, `${styled(context, 'errors', 'dim', time)}  ${environmentPath.padEnd(width)}  ${state}`)
    }
  }
}
