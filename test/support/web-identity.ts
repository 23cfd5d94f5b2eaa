/**
 * STS in front of moto: AssumeRoleWithWebIdentity as AWS does it, everything else passed on. moto takes any token, or
 * crashes; here it is checked against the identity provider and the trust policy that moto's IAM holds, and moto is then
 * asked for a session of the role.
 */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetRoleCommand, IAMClient, type Role } from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { createTokenCheck } from './token-check.ts'
import { answerText, refusalText, StsRefusal } from './sts-answers.ts'

export interface WebIdentityFront {
  /** For AWS_ENDPOINT_URL_STS. */
  endpoint: string
  /** Sessions that were given. */
  sessions: { roleArn: string; sessionName: string; seconds: number; subject: string; policyArns: string[] }[]
  /** Tokens that were shown, in order. */
  tokens: string[]
  /** Answers the next exchanges so, instead of looking at them; `undefined` ends it. `hang`: never answers. */
  fault: { status: number; code: string; message: string } | 'hang' | undefined
  /** When sessions are said to end, where it is not what was asked for. Milliseconds from now. */
  sessionsEndAfter: number | undefined
  /** Forgets the keys of issuers, as after some time. */
  forgetKeys(): void
  close(): Promise<void>
}

export interface Upstream {
  /** moto, or what stands before it. */
  endpoint: string
  admin: { accessKeyId: string; secretAccessKey: string }
}

export async function startWebIdentity({ endpoint, admin }: Upstream): Promise<WebIdentityFront> {
  const options = { endpoint, region: 'us-east-1', credentials: admin }
  const iam = new IAMClient(options)
  const sts = new STSClient(options)
  const check = createTokenCheck(iam)
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const front: WebIdentityFront = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions: [],
    tokens: [],
    fault: undefined,
    sessionsEndAfter: undefined,
    forgetKeys: check.forgetKeys,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      iam.destroy()
      sts.destroy()
    },
  }
  return front

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray())
    const asked = new URLSearchParams(body.toString('utf8'))
    if (asked.get('Action') !== 'AssumeRoleWithWebIdentity') return passOn(endpoint, request, body, response)
    // Whoever has no credentials signs nothing.
    if (request.headers.authorization !== undefined) throw new Error('a web identity is not signed for')
    front.tokens.push(asked.get('WebIdentityToken') ?? '')
    if (front.fault === 'hang') return
    const send = (status: number, text: string) =>
      void response.writeHead(status, { 'content-type': 'text/xml' }).end(text)
    try {
      if (front.fault) throw new StsRefusal(front.fault.status, front.fault.code, front.fault.message)
      send(200, await exchange(asked))
    } catch (error) {
      if (!(error instanceof StsRefusal)) throw error
      send(error.status, refusalText(error))
    }
  }

  async function exchange(asked: URLSearchParams): Promise<string> {
    const RoleArn = asked.get('RoleArn') ?? ''
    const RoleSessionName = asked.get('RoleSessionName') ?? ''
    const seconds = Number(asked.get('DurationSeconds') ?? 3600)
    const role = await find(iam, RoleArn)
    const claims = await check.accept(asked.get('WebIdentityToken') ?? '', role)
    if (seconds > (role?.MaxSessionDuration ?? 3600))
      throw new StsRefusal(
        400,
        'ValidationError',
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      )
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName, DurationSeconds: seconds }),
    )
    const policyArns = [...asked].filter(([name]) => name.startsWith('PolicyArns.')).map(([, value]) => value)
    front.sessions.push({
      roleArn: RoleArn,
      sessionName: RoleSessionName,
      seconds,
      subject: claims.sub!,
      policyArns,
    })
    const expiration = new Date(Date.now() + (front.sessionsEndAfter ?? seconds * 1000))
    return answerText(Credentials!, expiration, claims.sub!)
  }
}

async function find(iam: IAMClient, arn: string): Promise<Role | undefined> {
  try {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: arn.split('/').at(-1)! }))
    return Role?.Arn === arn ? Role : undefined
  } catch (error) {
    if ((error as Error).name.startsWith('NoSuchEntity')) return undefined
    throw error
  }
}

/** Headers as they came: they are signed. */
function passOn(endpoint: string, from: IncomingMessage, body: Buffer, to: ServerResponse): void {
  const { hostname, port } = new URL(endpoint)
  const request = httpRequest(
    { hostname, port, method: from.method, path: from.url, headers: from.headers, agent: false },
    (answer) => {
      to.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(to)
    },
  )
  request.on('error', () => to.destroy())
  request.end(body)
}
