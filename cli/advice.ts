/** What to do next, where the server's refusal does not say it. Asks the server for names and changes nothing. */
import { suggest } from '../model/suggest.ts'
import type { ApiError } from './api.ts'
import type { Context } from './context.ts'
import { listEnvironments } from './environment-list.ts'

const ENVIRONMENT = /^\/api\/esc\/environments\/([^/]+)\/([^/]+)\/([^/?]+)/
/** Comparisons of characters: a list of any length is looked through in no time. */
const EFFORT = 2_000_000

/** To be put behind the error's own words; empty where there is nothing to add. Never throws. */
export async function adviceOn(context: Context, { status, path }: ApiError): Promise<string> {
  const [, organization, project, name] = (ENVIRONMENT.exec(path) ?? []).map(decodeURIComponent)
  if (status !== 404 || organization === undefined || project === undefined || name === undefined) return ''
  try {
    const names = (await listEnvironments(context.api()))
      .filter((listed) => listed.organization === organization)
      .map((listed) => `${listed.project}/${listed.name}`)
    // Then something inside the environment is missing, and the server has said what.
    if (names.includes(`${project}/${name}`)) return ''
    const meant =
      names.find((listed) => listed.endsWith(`/${name}`)) ??
      suggest(`${project}/${name}`, names, { suggestions: EFFORT })
    return meant === undefined
      ? ' that you may read; "rekey env ls" lists those that you may'
      : ` that you may read; did you mean ${meant}?`
  } catch {
    return ''
  }
}
