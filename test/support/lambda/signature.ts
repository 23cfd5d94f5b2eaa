/** Signature version 4 from the side of AWS: who signed this request, with which secret, and is it fresh. */
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Signed {
  accessKeyId: string
  region: string
  /** Milliseconds since 1970. */
  at: number
  isBy(secretAccessKey: string): boolean
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/

/** Undefined for a request that is not signed. */
export function signatureOf(request: IncomingMessage, body: Buffer): Signed | undefined {
  const [, accessKeyId, day, region, service, names, signature] =
    AUTHORIZATION.exec(request.headers.authorization ?? '') ?? []
  const time = String(request.headers['x-amz-date'])
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  if (!accessKeyId || !names || y === undefined) return undefined
  const url = new URL(request.url ?? '/', 'http://any')
  // What came percent-encoded is encoded once more.
  const path = url.pathname.split('/').map(encodeURIComponent).join('/')
  const query = [...url.searchParams].map((pair) => pair.map(encodeURIComponent).join('=')).toSorted()
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const payload = sha256(body)
  const canonical = [request.method, path, query.join('&'), headers.join(''), names, payload].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  return {
    accessKeyId,
    region: region!,
    at: Date.UTC(+y, +mo! - 1, +d!, +h!, +mi!, +s!),
    isBy(secret) {
      const key = [day!, region!, service!, 'aws4_request'].reduce<string | Buffer>(
        (previous, part) => createHmac('sha256', previous).update(part).digest(),
        `AWS4${secret}`,
      )
      return createHmac('sha256', key).update(text).digest('hex') === signature
    },
  }
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
