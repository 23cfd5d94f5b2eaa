/**
 * A Temporal that speaks TLS alone, wants a client certificate and an API key: a rotation from the API to the worker, both
 * replaced while the programs run, and what they say when something of it is wrong.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TemporalAccess } from '../../client/access.ts'
import { connectTemporal } from '../../client/connect.ts'
import { reasonFor, watchTemporal } from '../../client/reachability.ts'
import { loadConfig } from '../../config/index.ts'
import { errorBody } from '../../server/errors.ts'
import { startServer } from '../../server/main.ts'
import { runWorker } from '../../worker/main.ts'
import { connectWorker } from '../../worker/temporal-connection.ts'
import { commandLine } from '../cli/command-line.ts'
import { certificateAuthority, type Certificate } from '../support/certificates.ts'
import { grpcProxy, UNAUTHENTICATED, type GrpcProxy } from '../support/grpc-proxy.ts'
import { rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { startPrograms } from '../telemetry/programs.ts'

const servers = certificateAuthority('servers')
const clients = certificateAuthority('clients')
const laterClients = certificateAuthority('later clients')
const own = servers.issue(['temporal.test'])
const KEYS = ['canary-api-key-1', 'canary-api-key-2'] as const

let line: Line
let front: GrpcProxy
let folder: string
let keys: readonly string[] = KEYS
/** `<method> <API key>`, in order. */
let called: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-secured-'))
  line = await startLine()
  front = await grpcProxy(
    line.temporal.address,
    (path, { authorization }) => {
      const key = authorization?.replace(/^Bearer /, '') ?? 'none'
      called.push(`${path.split('/').at(-1)} ${key}`)
      return keys.includes(key) ? false : UNAUTHENTICATED
    },
    { cert: own.certificate, key: own.key, ca: [clients.certificate] },
  )
  await put('ca', servers.certificate)
  await put('other-ca', clients.certificate)
  await putPair('', clients.issue(['rekey']))
  await putPair('foreign-', servers.issue(['rekey']))
  await putPair('expired-', clients.issue(['rekey'], -1))
  await put('api-key', KEYS[0])
  await put('wrong-api-key', 'canary-api-key-wrong')
}, 60_000)
afterAll(async () => {
  await front?.close()
  await line?.close()
  await rm(folder, { recursive: true, force: true })
})

/** At once, as whoever renews certificates does it. */
async function put(name: string, text: string): Promise<void> {
  await writeFile(join(folder, `${name}.new`), text, { mode: 0o600 })
  await rename(join(folder, `${name}.new`), join(folder, name))
}

async function putPair(prefix: string, { certificate, key }: Certificate): Promise<void> {
  await put(`${prefix}certificate`, certificate)
  await put(`${prefix}key`, key)
}

/** The settings of Temporal by the ends of their names, right but for these; an empty one is not set. */
function environment(others: Record<string, string> = {}): Record<string, string> {
  const right = {
    ADDRESS: front.address,
    TLS_SERVER_NAME: 'temporal.test',
    TLS_CA_FILE: 'ca',
    TLS_CERT_FILE: 'certificate',
    TLS_KEY_FILE: 'key',
    API_KEY_FILE: 'api-key',
  }
  const pairs = Object.entries({ ...right, ...others }).map(([name, value]) => [
    `REKEY_TEMPORAL_${name}`,
    name.endsWith('_FILE') && value !== '' ? join(folder, value) : value,
  ])
  return Object.fromEntries(pairs) as Record<string, string>
}

test('a rotation from the API to the worker, before and after both certificate and key are replaced', async () => {
  const target = await line.target()
  const rotated = await line.environment(rotatedDefinition(target))
  const programs = await startPrograms(line, environment())
  const rotate = async () => {
    const path = `/api/esc/environments/acme/app/${rotated.name}/rotate`
    const answer = await programs.call('POST', path, {})
    return ((await answer.json()) as { secretRotationEvent: { status: string } }).secretRotationEvent.status
  }
  try {
    expect(await rotate()).toBe('succeeded')
    // The worker's own connection, its client, the server's client.
    for (const method of ['PollActivityTaskQueue', 'DescribeNamespace', 'ExecuteMultiOperation'])
      expect(called).toContain(`${method} ${KEYS[0]}`)
    expect(called.filter((call) => !call.endsWith(` ${KEYS[0]}`))).toEqual([])

    const endpoints = [programs.api, programs.metrics.worker.replace('/metrics', '')]
    const states = () => Promise.all(endpoints.map(async (url) => (await fetch(`${url}/readyz`)).status))
    const refused = (program: string) =>
      programs.logged.some(
        ({ program: whose, msg }) =>
          whose === program &&
          /^Temporal cannot be used: \S+ does not take the client certificate/.test(String(msg)),
      )
    // The old ones are over before the new ones are there.
    front.present({ cert: own.certificate, key: own.key, ca: [laterClients.certificate] })
    keys = [KEYS[1]]
    front.cut()
    await expect.poll(states, { timeout: 30_000 }).toEqual([503, 503])
    for (const program of ['server', 'worker'])
      await expect.poll(() => refused(program), { timeout: 30_000 }).toBe(true)
    await putPair('', laterClients.issue(['rekey']))
    await put('api-key', KEYS[1])
    await expect.poll(states, { timeout: 30_000 }).toEqual([200, 200])
    called = []
    expect(await rotate()).toBe('succeeded')
    for (const method of ['ExecuteMultiOperation', 'RespondActivityTaskCompleted'])
      expect(called).toContain(`${method} ${KEYS[1]}`)
  } finally {
    keys = KEYS
    front.present({ cert: own.certificate, key: own.key, ca: [clients.certificate] })
    await putPair('', clients.issue(['rekey']))
    await put('api-key', KEYS[0])
    await programs.stop()
  }
  const log = programs.lines.join('\n')
  for (const program of ['server', 'worker'])
    expect(programs.logged).toContainEqual(
      expect.objectContaining({ program, msg: 'Temporal can be used again' }),
    )
  expect(log).not.toMatch(/canary-api-key|PRIVATE KEY/)
}, 120_000)

const NO_CLIENT = { TLS_CERT_FILE: '', TLS_KEY_FILE: '' }
const NO_TLS = { ...NO_CLIENT, TLS_SERVER_NAME: '', TLS_CA_FILE: '', API_KEY_FILE: '' }
const FOREIGN = { TLS_CERT_FILE: 'foreign-certificate', TLS_KEY_FILE: 'foreign-key' }
const EXPIRED = { TLS_CERT_FILE: 'expired-certificate', TLS_KEY_FILE: 'expired-key' }

test.concurrent.for<[string, Record<string, string>, RegExp]>([
  ['another authority', { TLS_CA_FILE: 'other-ca' }, /^the certificate of \S+ is from no authority that/],
  ["Node's authorities", { TLS_CA_FILE: '' }, /name its authority in REKEY_TEMPORAL_TLS_CA_FILE$/],
  ['no client certificate', NO_CLIENT, /seems to want a client certificate.*: set REKEY_TEMPORAL_TLS_CERT/],
  ["another authority's client", FOREIGN, /does not take the client certificate in REKEY_TEMPORAL_TLS/],
  ['an expired client certificate', EXPIRED, /^the client certificate .+ expired on [\d-]{10}: replace it$/],
  [
    'another server name',
    { TLS_SERVER_NAME: 'other.test' },
    /not for other\.test, but for temporal\.test: set/,
  ],
  ['an address for a name', { TLS_SERVER_NAME: '' }, /is not for 127\.0\.0\.1, but for temporal\.test: set/],
  ['no TLS', NO_TLS, /speaks TLS and REKEY_TEMPORAL_TLS is off: set it to on$/],
  ['a Temporal without TLS', { ADDRESS: 'plain' }, /speaks no TLS: set REKEY_TEMPORAL_TLS=off, or name/],
  ['nobody', { ADDRESS: '127.0.0.1:9' }, /^nothing listens at 127\.0\.0\.1:9$/],
  ['a wrong API key', { API_KEY_FILE: 'wrong-api-key' }, /^it refuses the API key in REKEY_TEMPORAL_API_KEY/],
  ['no API key', { API_KEY_FILE: '' }, /gives no right to the namespace default$/],
])('%s: neither connection serves, and the log says why, once', async ([, others, words], { expect }) => {
  const access = await TemporalAccess.open(
    loadConfig(environment(others['ADDRESS'] === 'plain' ? { ADDRESS: line.temporal.address } : others)),
  )
  const client = connectTemporal({ address: access.address, namespace: access.namespace, access })
  const told: string[] = []
  const log = { info: () => undefined, warn: (text: unknown) => void told.push(String(text)) }
  const { check } = watchTemporal(client, access, log)
  const connecting = connectWorker(access, log, AbortSignal.timeout(60_000)).catch((error: unknown) => error)
  try {
    const [refused] = await Promise.all([check(), check()].map((one) => one.catch((error: unknown) => error)))
    expect(refused).toBeInstanceOf(Error)
    expect(await reasonFor(refused, access)).toMatch(words)
    expect(errorBody(refused, 'id')).toMatchObject({
      code: 503,
      message: expect.stringContaining('Temporal'),
    })
    await expect
      .poll(() => told, { timeout: 10_000 })
      .toEqual([expect.stringMatching(/^Temporal cannot be used: /)])
    expect(await connecting).toBeInstanceOf(Error)
  } finally {
    await client.connection.close()
  }
})

test('a refusal is told once, and that it is over as well', async () => {
  await put('own-api-key', 'canary-api-key-wrong')
  const settings = loadConfig(environment({ API_KEY_FILE: 'own-api-key' }))
  const access = await TemporalAccess.open(settings)
  const client = connectTemporal({ address: access.address, namespace: access.namespace, access })
  const told: string[] = []
  const tell = (text: unknown) => void told.push(String(text))
  const { check } = watchTemporal(client, access, { info: tell, warn: tell })
  try {
    for (let time = 0; time < 3; time += 1) await expect(check()).rejects.toThrow()
    await put('own-api-key', KEYS[0])
    expect(await access.refresh()).toBe(true)
    await check()
    await check()
    expect(told).toEqual([expect.stringContaining('refuses the API key'), 'Temporal can be used again'])
  } finally {
    await client.connection.close()
  }
})

test('server and worker end at their start when a file cannot be used', async () => {
  const config = loadConfig({
    ...environment({ TLS_KEY_FILE: 'foreign-key' }),
    REKEY_DATABASE_URL: line.store.url,
    REKEY_KEY_FILE: line.store.keyFile,
  })
  const words = /^the key in \S+ \(REKEY_TEMPORAL_TLS_KEY_FILE\) is not the one of the first certificate/
  await expect(startServer(config)).rejects.toThrow(words)
  await expect(runWorker(config, new AbortController().signal)).rejects.toThrow(words)
})

test('rekey migrate registers over the same connection, and says why it could not', async () => {
  const cli = await commandLine({ REKEY_DATABASE_URL: line.store.url, REKEY_KEY_FILE: line.store.keyFile })
  const migrate = (others: Record<string, string>) => cli.run(['migrate'], { env: environment(others) })
  try {
    expect(await migrate({})).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ in Temporal|has the search/),
    })
    expect((await migrate({ TLS_CA_FILE: 'other-ca' })).stderr).toMatch(
      /^Temporal cannot be used yet: the certificate of .+ register the search attributes when they start\n$/,
    )
    expect(await migrate({ TLS_KEY_FILE: 'foreign-key' })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^rekey: the key in .+ is not the one of the first certificate in [^\n]+\n$/,
      ),
    })
  } finally {
    await cli.close()
  }
})
