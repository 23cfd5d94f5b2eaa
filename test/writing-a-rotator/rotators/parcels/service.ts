/** One question to the parcel service, one answer in time; what goes wrong is a failure code from here on. Decides nothing. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { RotationFailure, type FailureCode } from '../../../../model/failures.ts'

export interface Question {
  method?: 'GET' | 'PUT'
  url: URL
  token: string
  body?: object
  headers?: Record<string, string>
  /** Milliseconds for all of it. */
  timeout: number
  /** Ends it early. Never for a change: once it is sent, only the service can say what became of it. */
  signal?: AbortSignal
}

/** What the service says by its status. Nothing was changed by any of these. */
const REFUSALS: Record<number, [FailureCode, string]> = {
  403: ['TARGET_DENIED', 'may not change the tokens of this account; let it manage the account'],
  404: ['TARGET_NOT_FOUND', 'there is no such account or token; check account'],
  408: ['TARGET_TIMEOUT', 'the change came too late; is the service busy, or a clock wrong?'],
  422: ['TARGET_REJECTED_VALUE', 'the service refuses the new token by its own rules'],
  429: ['TARGET_THROTTLED', 'the service asks to slow down'],
}
/** No answer of the service is longer. */
const LONGEST = 65_536

/**
 * @returns the answer, or `unknown token` when the service does not know the token that asks
 * @throws RotationFailure
 */
export async function ask(question: Question): Promise<unknown> {
  const { method = 'GET', url, token, body, headers, timeout, signal } = question
  // What cannot stand in a header is no token of theirs, and must not end the header.
  if (!/^[\x21-\x7e]+$/.test(token)) return 'unknown token'
  const inTime = AbortSignal.timeout(timeout)
  const late = signal ? AbortSignal.any([signal, inTime]) : inTime
  try {
    const { request } = url.protocol === 'https:' ? https : http
    // No agent: a connection that is kept for later outlives the deadline of this question.
    const sending = request(url, {
      method,
      agent: false,
      signal: late,
      headers: { ...headers, authorization: `Bearer ${token}` },
    })
    sending.on('error', () => {})
    sending.end(body && JSON.stringify(body))
    const [answer] = (await once(sending, 'response', { signal: late })) as [http.IncomingMessage]
    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) {
      text += chunk
      if (text.length > LONGEST) throw new Error('endless')
    }
    const status = answer.statusCode ?? 0
    if (status === 401) return 'unknown token'
    const refusal = REFUSALS[status]
    if (refusal) throw new RotationFailure(refusal[0], `${url.host}: ${refusal[1]}`, { unchanged: true })
    if (status === 204) return null
    if (status !== 200) throw new Error('no answer of theirs')
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof RotationFailure) throw error
    // Whatever it was, its own text stays here: it may hold what was sent.
    if (signal?.aborted) throw new RotationFailure('CANCELLED')
    if (inTime.aborted) throw new RotationFailure('TARGET_TIMEOUT', `${url.host} did not answer in time`)
    throw new RotationFailure(
      'TARGET_UNREACHABLE',
      `${url.host} cannot be reached from the worker, or does not answer as the parcel service does; check url`,
    )
  }
}
