/** Which rotation `--failed` is about. */
import type { Api } from './api.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { Failure } from './failure.ts'
import type { RotationEvent } from './rotation.ts'

/** Events looked at for one that rotated: others are what people and the sweeper did about old ones. */
const LOOKED_AT = 100

/** Its id; undefined where nobody asked for what failed. @throws Failure, ApiError, NetworkError */
export async function eventToRetry(
  api: Api,
  { path, shortName }: EnvironmentArgument,
  options: { failed?: boolean; event?: string; paths: string[] },
): Promise<string | undefined> {
  if (options.failed !== true) {
    if (options.event === undefined) return undefined
    throw new Failure('--event goes with --failed')
  }
  if (options.paths.length > 0)
    throw new Failure('give paths, or --failed for those that failed in a rotation; not both')
  if (options.event !== undefined) return options.event
  const { json } = await api.call<{ events: RotationEvent[] }>('GET', `${path}/rotate/history`, {
    query: { count: LOOKED_AT },
  })
  const newest = json.events.find(({ action }) => action === undefined)
  if (!newest) throw new Failure(`nothing was rotated in ${shortName} yet`)
  return newest.id
}
