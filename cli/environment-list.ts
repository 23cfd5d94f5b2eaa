/** The environments that one may see, for the list, for completion and for spelling suggestions. */
import type { Api } from './api.ts'

export interface ListedEnvironment {
  organization: string
  project: string
  name: string
  created: string
  modified: string
}

/** All of them, page by page. @throws ApiError, NetworkError */
export async function listEnvironments(api: Api): Promise<ListedEnvironment[]> {
  const path = `/api/esc/environments/${encodeURIComponent(await api.organization())}`
  const found: ListedEnvironment[] = []
  for (let token: string | undefined; token !== '';) {
    const { json } = await api.call<{ environments: ListedEnvironment[]; nextToken?: string }>('GET', path, {
      query: { continuationToken: token },
    })
    found.push(...json.environments)
    token = json.nextToken ?? ''
  }
  return found
}
