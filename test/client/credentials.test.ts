/** What server, worker and `rekey migrate` show to Temporal: wrong files and settings in words, replaced files taken. */
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { TemporalAccess } from '../../client/access.ts'
import { readCredentials } from '../../client/credentials.ts'
import { loadConfig } from '../../config/index.ts'
import { certificateAuthority } from '../support/certificates.ts'

const clients = certificateAuthority()
const [pair, other] = [clients.issue(['rekey']), clients.issue(['rekey'])]
const API_KEY = 'tmprl_canary-of-the-api-key'

let folder: string
const at = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-credentials-'))
  await mkdir(at('folder'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  await write('ca', clients.certificate)
  await write('certificate', `Subject: CN=rekey\n${pair.certificate}${clients.certificate}`)
  await write('key', pair.key)
  await write('other-key', other.key)
  await write('api-key', `${API_KEY}\n`)
  await write('nothing', '')
  await write('text', 'canary-of-a-text')
})

async function write(name: string, text: string, mode = 0o600): Promise<void> {
  await writeFile(at(name), text)
  await chmod(at(name), mode)
}

/** By the ends of the settings' names; a file is one of the folder's. */
function settings(given: Record<string, string>) {
  const pairs = Object.entries(given).map(([name, value]) => [
    `REKEY_TEMPORAL_${name}`,
    name.endsWith('_FILE') ? at(value) : value,
  ])
  return loadConfig(Object.fromEntries(pairs) as Record<string, string>)
}

const MUTUAL = { TLS_CA_FILE: 'ca', TLS_CERT_FILE: 'certificate', TLS_KEY_FILE: 'key' }

test('without settings there is no TLS; any of them, or "on", is enough for it', async () => {
  expect(await readCredentials(settings({}))).toEqual({})
  expect(await readCredentials(settings({ TLS: 'off' }))).toEqual({})
  const { tls } = await readCredentials(settings({ TLS: 'on' }))
  expect(tls?.client).toBeUndefined()
  // Those that Node.js brings along.
  expect(tls!.ca.toString().match(/BEGIN CERTIFICATE/g)!.length).toBeGreaterThan(50)
  expect(await readCredentials(settings({ TLS_SERVER_NAME: 'temporal.test' }))).toMatchObject({
    tls: { serverName: 'temporal.test' },
  })
  expect(await readCredentials(settings({ API_KEY_FILE: 'api-key' }))).toMatchObject({
    tls: {},
    apiKey: API_KEY,
  })
})

test('a whole chain is sent, without the text around it, and a key of any form', async () => {
  const { publicKey: _, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await write('rsa', privateKey.export({ format: 'pem', type: 'pkcs1' }).toString(), 0o640)
  const { tls } = await readCredentials(settings(MUTUAL))
  expect(tls!.client!.certificate.toString()).toMatch(/^-----BEGIN/)
  expect(tls!.client!.certificate.toString().match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(tls!.client!.key.toString()).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  // Read, and found to be another's: what a group may read is no reason to refuse it.
  await expect(readCredentials(settings({ ...MUTUAL, TLS_KEY_FILE: 'rsa' }))).rejects.toThrow(
    /is not the one/,
  )
})

test.each<[string, Record<string, string>, RegExp]>([
  ['no such file', { TLS_CA_FILE: 'none' }, /there is no file .+none \(REKEY_TEMPORAL_TLS_CA_FILE\)/],
  ['a folder', { TLS_CA_FILE: 'folder' }, /cannot be read \(EISDIR\): it must be a file/],
  [
    'an empty file',
    { TLS_CA_FILE: 'nothing' },
    /\(REKEY_TEMPORAL_TLS_CA_FILE\) must hold certificates in PEM/,
  ],
  ['a text', { ...MUTUAL, TLS_CERT_FILE: 'text' }, /\(REKEY_TEMPORAL_TLS_CERT_FILE\) must hold certificates/],
  ['the key for the certificate', { ...MUTUAL, TLS_CERT_FILE: 'key' }, /must hold certificates in PEM form/],
  ['the certificate for the key', { ...MUTUAL, TLS_KEY_FILE: 'ca' }, /must hold a private key in PEM form/],
  [
    "another pair's key",
    { ...MUTUAL, TLS_KEY_FILE: 'other-key' },
    /other-key .+ is not the one of the first certificate/,
  ],
  [
    'an encrypted key',
    { ...MUTUAL, TLS_KEY_FILE: 'encrypted' },
    /holds a key that is encrypted: write it in clear/,
  ],
  [
    'a key open to everybody',
    { ...MUTUAL, TLS_KEY_FILE: 'open' },
    /open to everybody; run: chmod o= .+open$/,
  ],
  [
    'a certificate alone',
    { TLS_CERT_FILE: 'certificate' },
    /CERT_FILE is set and REKEY_TEMPORAL_TLS_KEY_FILE is not/,
  ],
  ['a key alone', { TLS_KEY_FILE: 'key' }, /KEY_FILE is set and REKEY_TEMPORAL_TLS_CERT_FILE is not/],
  [
    'TLS settings without TLS',
    { TLS: 'off', TLS_CA_FILE: 'ca' },
    /REKEY_TEMPORAL_TLS is off, and the settings/,
  ],
  [
    'an API key in clear',
    { TLS: 'off', API_KEY_FILE: 'api-key' },
    /would be sent in clear: unset one of the two/,
  ],
  ['no API key', { API_KEY_FILE: 'nothing' }, /must hold one API key, in one line, and nothing else/],
  ['two API keys', { API_KEY_FILE: 'two' }, /must hold one API key, in one line, and nothing else/],
  ['an API key open to everybody', { API_KEY_FILE: 'open' }, /open to everybody; run: chmod o= .+open$/],
  ['more than any such file', { TLS_CA_FILE: 'large' }, /is too large/],
])('%s: one sentence that tells what to do and none of the content', async (_, given, words) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'canary' }
  await write('encrypted', privateKey.export({ format: 'pem', type: 'pkcs8', ...cipher }).toString())
  await write('open', pair.key, 0o644)
  await write('two', `${API_KEY}\n${API_KEY}\n`)
  await write('large', 'x'.repeat(1024 * 1024 + 1))
  const refused: unknown = await TemporalAccess.open(settings(given)).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Error)
  const { message } = refused as Error
  expect(message).toMatch(words)
  expect(message).not.toMatch(/\n|canary|MIG|MII/)
})

test('replaced files are read again; half of a pair takes the place of nothing', async () => {
  const access = await TemporalAccess.open(settings({ ...MUTUAL, API_KEY_FILE: 'api-key' }))
  const before = access.credentials
  let changes = 0
  const end = access.onChange(() => (changes += 1))
  expect(await access.refresh()).toBe(false)

  await write('key', other.key)
  await expect(access.refresh()).rejects.toThrow(/is not the one of the first certificate/)
  await expect(access.refresh()).rejects.toThrow(/is not the one of the first certificate/)
  expect(access.credentials).toBe(before)
  await write('certificate', other.certificate)
  expect(await access.refresh()).toBe(true)
  expect(access.credentials.tls!.client!.certificate.toString().trim()).toBe(other.certificate.trim())

  await rm(at('api-key'))
  await expect(access.refresh()).rejects.toThrow(/there is no file/)
  await write('api-key', 'another')
  expect(await access.refresh()).toBe(true)
  expect(access.credentials.apiKey).toBe('another')
  expect(changes).toBe(2)
  end()
})
