/**
 * What Rekey shows to Temporal and whom it trusts there, read from the files of the settings and looked at before it is
 * used. Connects to nobody; its words name settings and files, never what is in them.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { open } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import type { Config } from '../config/index.ts'

export type TemporalSettings = Pick<
  Config,
  | 'temporalAddress'
  | 'temporalNamespace'
  | 'temporalTls'
  | 'temporalTlsCaFile'
  | 'temporalTlsCertFile'
  | 'temporalTlsKeyFile'
  | 'temporalTlsServerName'
  | 'temporalApiKeyFile'
>

/** All in PEM. */
export interface TlsCredentials {
  ca: Buffer
  client?: { certificate: Buffer; key: Buffer; expires: Date }
  serverName?: string
}

export interface Credentials {
  /** Absent: without TLS. */
  tls?: TlsCredentials
  apiKey?: string
}

/** Bytes; a whole bundle of authorities is a quarter of it. */
const LARGEST = 1024 * 1024
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** @throws Error in words for the operator: settings that contradict one another, or a file that cannot be used. */
export async function readCredentials(settings: TemporalSettings): Promise<Credentials> {
  refuseContradictions(settings)
  const { temporalTlsServerName: serverName, temporalApiKeyFile } = settings
  if (!usesTls(settings)) return {}
  const client = await readClient(settings)
  return {
    tls: {
      ca: await readAuthorities(settings.temporalTlsCaFile),
      ...(client && { client }),
      ...(serverName !== undefined && { serverName }),
    },
    ...(temporalApiKeyFile !== undefined && { apiKey: await readApiKey(temporalApiKeyFile) }),
  }
}

/** The files that the credentials come from. */
export function credentialFiles(settings: TemporalSettings): string[] {
  const { temporalTlsCaFile, temporalTlsCertFile, temporalTlsKeyFile, temporalApiKeyFile } = settings
  return [temporalTlsCaFile, temporalTlsCertFile, temporalTlsKeyFile, temporalApiKeyFile].filter(
    (file) => file !== undefined,
  )
}

function usesTls(settings: TemporalSettings): boolean {
  if (settings.temporalTls !== undefined) return settings.temporalTls === 'on'
  return settings.temporalTlsServerName !== undefined || credentialFiles(settings).length > 0
}

function refuseContradictions(settings: TemporalSettings): void {
  if (settings.temporalTls === 'off') {
    if (settings.temporalApiKeyFile !== undefined)
      throw new Error(
        'REKEY_TEMPORAL_TLS is off, and the key in REKEY_TEMPORAL_API_KEY_FILE would be sent in clear: unset one of the two',
      )
    if (usesTls({ ...settings, temporalTls: undefined }))
      throw new Error(
        'REKEY_TEMPORAL_TLS is off, and the settings REKEY_TEMPORAL_TLS_… are for TLS alone: unset it, or all of them',
      )
  }
  const { temporalTlsCertFile: certificate, temporalTlsKeyFile: key } = settings
  if ((certificate === undefined) !== (key === undefined)) {
    const [given, missing] = certificate === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY']
    throw new Error(
      `REKEY_TEMPORAL_TLS_${given}_FILE is set and REKEY_TEMPORAL_TLS_${missing}_FILE is not: a client certificate needs both`,
    )
  }
}

/** Where no file is named both of the SDK's clients trust the same: each by itself would know authorities of its own. */
async function readAuthorities(file: string | undefined): Promise<Buffer> {
  if (file === undefined) return Buffer.from(getCACertificates('default').join('\n'))
  return certificatesIn(await read('REKEY_TEMPORAL_TLS_CA_FILE', file), 'REKEY_TEMPORAL_TLS_CA_FILE', file)
    .pem
}

async function readClient(settings: TemporalSettings): Promise<TlsCredentials['client']> {
  const { temporalTlsCertFile: file, temporalTlsKeyFile: keyFile } = settings
  if (file === undefined || keyFile === undefined) return undefined
  const variable = 'REKEY_TEMPORAL_TLS_CERT_FILE'
  const { pem, first } = certificatesIn(await read(variable, file), variable, file)
  const key = privateKeyIn(await readSecret('REKEY_TEMPORAL_TLS_KEY_FILE', keyFile), keyFile)
  if (!first.checkPrivateKey(key))
    throw new Error(
      `the key in ${keyFile} (REKEY_TEMPORAL_TLS_KEY_FILE) is not the one of the first certificate in ${file} (${variable}): give both files of one pair`,
    )
  // In one form, since the two clients of the SDK do not read the same ones.
  const pkcs8 = Buffer.from(key.export({ format: 'pem', type: 'pkcs8' }))
  return { certificate: pem, key: pkcs8, expires: new Date(first.validTo) }
}

function certificatesIn(
  text: string,
  variable: string,
  file: string,
): { pem: Buffer; first: X509Certificate } {
  const blocks = text.match(CERTIFICATE) ?? []
  try {
    const [first] = blocks.map((block) => new X509Certificate(block))
    if (first) return { pem: Buffer.from(`${blocks.join('\n')}\n`), first }
  } catch {
    // Told below; what the parser says helps nobody.
  }
  throw new Error(
    `the file ${file} (${variable}) must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)`,
  )
}

function privateKeyIn(text: string, file: string): KeyObject {
  const named = `the file ${file} (REKEY_TEMPORAL_TLS_KEY_FILE)`
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw new Error(
      `${named} holds a key that is encrypted: write it in clear, readable by Rekey's user alone (openssl pkey)`,
    )
  try {
    return createPrivateKey(text)
  } catch {
    throw new Error(`${named} must hold a private key in PEM form (-----BEGIN PRIVATE KEY-----)`)
  }
}

async function readApiKey(file: string): Promise<string> {
  const variable = 'REKEY_TEMPORAL_API_KEY_FILE'
  const key = (await readSecret(variable, file)).trim()
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new Error(`the file ${file} (${variable}) must hold one API key, in one line, and nothing else`)
}

const read = (variable: string, file: string) => readText(variable, file, false)
const readSecret = (variable: string, file: string) => readText(variable, file, true)

async function readText(variable: string, file: string, secret: boolean): Promise<string> {
  const named = `the file ${file} (${variable})`
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `there is no file ${file} (${variable}): put it there, or name another`
        : `${named} cannot be read (${error.code}): let the user that Rekey runs as read it`,
    )
  })
  try {
    const { mode, size } = await handle.stat()
    if (size > LARGEST) throw new Error(`${named} is too large: it must be what its setting says`)
    // A group may read it: that is how Kubernetes hands out secrets.
    if (secret && (mode & 0o007) !== 0)
      throw new Error(`${named} is secret and open to everybody; run: chmod o= ${file}`)
    return await handle.readFile('latin1').catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${named} cannot be read (${error.code}): it must be a file`)
    })
  } finally {
    await handle.close()
  }
}
