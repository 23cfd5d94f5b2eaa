/** Asks for a rotation once, however often the network fails, and follows it to its end. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, NetworkError, type Api } from './api.ts'
import type { Context } from './context.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { EXIT, Failure } from './failure.ts'
import { rotationProgress, type RotationProgress } from './rotation-progress.ts'
import type { RotationAnswer } from './rotation.ts'

/** Milliseconds: between two looks, and how long nobody may answer before we give up watching. */
const LOOK_EVERY = { first: 100, most: 1_000 }
const PATIENCE = 60_000

export interface Wish {
  paths: string[]
  /** The event whose failed paths are meant; without paths then. */
  failedOf?: string
  force: boolean
}

/** What begins an event, and where it is looked at. */
export interface EventRequest {
  /** Path of the API that takes the request. */
  path: string
  body: object
  /** Path of an event; its id is added. */
  events: string
  /** A sentence that says where to look later. */
  seeLater: string
}

/** The answer at its end. @throws ApiError, NetworkError, Failure (when it is not known how it went) */
export async function watchRotation(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  wish: Wish,
): Promise<RotationAnswer> {
  return await watchEvent(context, api, {
    path: `${environment.path}/rotate`,
    body: wish,
    events: `${environment.path}/rotate/events`,
    seeLater: `"rekey env history ${environment.shortName}" tells how it went`,
  })
}

/** As `watchRotation`, whatever the event does. */
export async function watchEvent(
  context: Context,
  api: Api,
  { path, body, events, seeLater: seeHistory }: EventRequest,
): Promise<RotationAnswer> {
  // The key makes asking again harmless: a lost answer never becomes a second event.
  const headers = { 'idempotency-key': `cli/${randomUUID()}` }
  const ask = () => api.call<RotationAnswer>('POST', path, { body, headers, query: { wait: 'false' } })
  const nameOf = (id: string) => `${events}/${encodeURIComponent(id)}`
  const progress = rotationProgress(context)
  let begun: RotationAnswer
  try {
    begun = await persist({ context, progress, starting: true }, ask)
  } catch (error) {
    if (!context.signal.aborted && !mayHaveArrived(error)) throw error
    throw new Failure(
      `${reasonOf(context, error)}; the rotation may have begun or begin yet: ${seeHistory}`,
      EXIT.rotationUnknown,
    )
  }
  try {
    return await untilEnd({ context, progress }, begun, () =>
      api.call<RotationAnswer>('GET', nameOf(begun.id)),
    )
  } catch (error) {
    throw new Failure(
      `${reasonOf(context, error)}; the rotation ${begun.id} goes on without us: ${seeHistory}`,
      EXIT.rotationUnknown,
    )
  }
}

interface Watch {
  context: Context
  progress: RotationProgress
  /** True for the very first call. */
  starting?: boolean
}

async function untilEnd(
  watch: Watch,
  begun: RotationAnswer,
  look: () => Promise<{ json: RotationAnswer }>,
): Promise<RotationAnswer> {
  let answer = begun
  for (let pause = LOOK_EVERY.first; ; pause = Math.min(LOOK_EVERY.most, pause * 1.2)) {
    watch.progress.show(answer.progress ?? [])
    if (answer.secretRotationEvent.status !== 'in_progress') return answer
    await sleep(pause, undefined, { signal: watch.context.signal })
    answer = await persist(watch, look)
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
  { context, progress, starting = false }: Watch,
  call: () => Promise<{ json: RotationAnswer }>,
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
      if (!told) progress.say(`${error.message} (trying again for ${PATIENCE / 1000} s)`)
      await sleep(1_000, undefined, { signal: context.signal })
    }
  }
}
