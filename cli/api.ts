/** The HTTP API as the command line sees it: one request, one answer or an error in words. Retries nothing by itself. */
import type { Diagnostic } from '../model/diagnostic.ts'
import { EXIT, Failure } from './failure.ts'
import { parseJson } from './json.ts'

/** What the server refused, in its words. */
export class ApiError extends Failure {
  override name = 'ApiError'
  readonly status: number
  /** What was asked for, from `/api` on. */
  readonly path: string
  readonly diagnostics: Diagnostic[]
  /** The whole answer, where it was JSON. */
  readonly body: unknown

  constructor(
    status: number,
    message: string,
    {
      path,
      diagnostics = [],
      body,
    }: { path: string; diagnostics?: Diagnostic[] | undefined; body?: unknown },
  ) {
    super(message)
    this.status = status
    this.path = path
    this.diagnostics = diagnostics
    this.body = body
  }
}

/** Nobody answered: the server is away, or was cut off while it answered. */
export class NetworkError extends Failure {
  override name = 'NetworkError'
  /** True when the request cannot have arrived. */
  readonly refused: boolean

  constructor(message: string, refused: boolean) {
    super(message)
    this.refused = refused
  }
}

export interface Call {
  /** An object goes as JSON, a string as it is. */
  body?: unknown
  headers?: Record<string, string>
  query?: Record<string, string | number | undefined>
}

export interface Answer<T> {
  json: T
  text: string
  headers: Headers
}

export interface Api {
  url: string
  /** The organization that a name without one is in. */
  organization(): Promise<string>
  /** @throws ApiError, NetworkError */
  call<T = unknown>(method: string, path: string, call?: Call): Promise<Answer<T>>
}

export interface ApiOptions {
  url: string
  token: string
  /** The person's own where absent. */
  organization?: string | undefined
  signal: AbortSignal
}

export function openApi({ url, token, organization, signal }: ApiOptions): Api {
  let asked: Promise<string> | undefined
  const api: Api = {
    url,
    organization: () =>
      (asked ??= organization === undefined ? ownOrganization(api) : Promise.resolve(organization)),
    call: async (method, path, { body, headers = {}, query = {} } = {}) => {
      const target = new URL(url + path)
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) target.searchParams.set(name, String(value))
      const isText = typeof body === 'string'
      const { response, text } = await send(target, url, {
        method,
        headers: {
          authorization: `token ${token}`,
          ...(body !== undefined && { 'content-type': isText ? 'application/x-yaml' : 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
        signal,
      })
      if (!response.ok) throw refusalOf(response.status, text, url, path)
      return { json: parseJson(text) as never, text, headers: response.headers }
    },
  }
  return api
}

async function send(
  target: URL,
  url: string,
  init: RequestInit,
): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(target, init)
    return { response, text: await response.text() }
  } catch (error) {
    if (init.signal?.aborted) throw new Failure('interrupted', EXIT.interrupted)
    const { cause } = error as { cause?: { code?: string } }
    throw new NetworkError(
      `${url} does not answer${cause?.code ? ` (${cause.code})` : ''}: is the server running, and is REKEY_URL right?`,
      cause?.code === undefined || cause.code === 'ECONNREFUSED' || cause.code === 'ENOTFOUND',
    )
  }
}

function refusalOf(status: number, text: string, url: string, path: string): ApiError {
  const body = parseJson(text) as Partial<{ message: string; diagnostics: Diagnostic[] }> | undefined
  if (typeof body?.message !== 'string')
    return new ApiError(status, `${url} answered ${status} without a reason: is it a Rekey server?`, { path })
  const again = status === 401 ? `; run "rekey login ${url}"` : ''
  return new ApiError(status, body.message + again, { path, diagnostics: body.diagnostics, body })
}

async function ownOrganization(api: Api): Promise<string> {
  const { json } = await api.call<{ gitHubLogin?: string }>('GET', '/api/user/organizations/default')
  if (!json?.gitHubLogin)
    throw new Failure('you are in no organization yet: ask an administrator to add you, or set REKEY_ORG')
  return json.gitHubLogin
}
