/** The number of an environment's newest revision: what a person decides about, so that nothing newer is changed. */
import type { Api } from './api.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { Failure } from './failure.ts'

/** @throws ApiError, NetworkError */
export async function newestRevision(api: Api, { path, shortName }: EnvironmentArgument): Promise<number> {
  const { json } = await api.call<{ number: number }[]>('GET', `${path}/versions`, { query: { count: 1 } })
  const newest = json[0]?.number
  if (newest === undefined) throw new Failure(`${shortName} has no revision`)
  return newest
}
