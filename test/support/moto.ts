/**
 * The AWS of the tests: moto's server with IAM enforcement, so that wrong, deleted and foreign keys are really refused.
 * Of policies it knows actions, not resources; keys that are set inactive still work there.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../embedded/free-port.ts'
import { launchServer, type Ending } from '../../embedded/server-process.ts'

export interface SharedMoto {
  host: string
  port: number
  endpoint: string
  /** May do everything. */
  admin: { accessKeyId: string; secretAccessKey: string }
}

export const MOTO_ENDING: Ending = [{ signal: 'SIGTERM', patience: 3_000 }]

const PYTHON = fileURLToPath(new URL('../../.tools/moto/bin/python', import.meta.url))
const START_DEADLINE = 60_000
/** Calls that nobody has to sign: they make the first administrator. */
const UNSIGNED_CALLS = 3
const EVERYTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
})

export async function startMoto(
  folder: string,
  signal: AbortSignal,
): Promise<SharedMoto & { pid: number; stop(): Promise<void> }> {
  if (!existsSync(PYTHON)) throw new Error('the AWS of the tests is not installed: run bin/setup moto')
  const host = '127.0.0.1'
  const port = await freePort()
  const server = await launchServer({
    name: 'moto',
    file: PYTHON,
    args: ['-m', 'moto.server', '-H', host, '-p', String(port)],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      INITIAL_NO_AUTH_ACTION_COUNT: String(UNSIGNED_CALLS),
    },
    pidFile: join(folder, 'moto.pid'),
    logFile: join(folder, 'moto.log'),
    ending: MOTO_ENDING,
  })
  const endpoint = `http://${host}:${port}`
  try {
    await answering(endpoint, AbortSignal.any([signal, AbortSignal.timeout(START_DEADLINE)]))
    const UserName = 'administrator'
    await callUnsigned(endpoint, { Action: 'CreateUser', UserName })
    await callUnsigned(endpoint, {
      Action: 'PutUserPolicy',
      UserName,
      PolicyName: 'everything',
      PolicyDocument: EVERYTHING,
    })
    const answer = await callUnsigned(endpoint, { Action: 'CreateAccessKey', UserName })
    const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? ''
    const admin = { accessKeyId: part('AccessKeyId'), secretAccessKey: part('SecretAccessKey') }
    if (admin.secretAccessKey === '') throw new Error('moto made no administrator')
    return { host, port, endpoint, admin, pid: server.pid, stop: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function answering(endpoint: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    if (signal.aborted) throw new Error('moto did not start in time; see moto.log in the folder of this run')
    try {
      await fetch(`${endpoint}/moto-api/data.json`, { signal })
      return
    } catch {
      await sleep(100)
    }
  }
}

async function callUnsigned(endpoint: string, call: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      // Nothing of it is checked; it says which service and region are meant.
      authorization:
        'AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none',
    },
    body: new URLSearchParams({ Version: '2010-05-08', ...call }),
  })
  if (!response.ok) throw new Error(`moto answered ${response.status} to ${call.Action}`)
  return await response.text()
}
