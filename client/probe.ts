/** Why Temporal cannot be reached, in words: looks at its port once, as a client would, and says nothing to Temporal. */
import { isIP } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions } from 'node:tls'
import type { TemporalAccess } from './access.ts'
import type { TlsCredentials } from './credentials.ts'

/** Milliseconds for the whole look. */
const PATIENCE = 5_000
/** How HTTP/2 begins: the preface and empty settings. Whoever speaks it answers with settings of its own. */
const GREETING = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1')

interface Look {
  /** Whether the handshake came to an end; refusals of a client certificate come after it. */
  secure: boolean
  /** Of the error, as Node.js names it; `ended` where the connection just ended, undefined where HTTP/2 was spoken. */
  code: string | undefined
  /** What the server showed. */
  names?: string
}

/** One half-sentence for the operator. */
export async function whyUnreachable({ address, credentials }: TemporalAccess): Promise<string> {
  const { tls } = credentials
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? []
  const name = tls?.serverName ?? host!
  const { secure, code, names } = await look({
    host: host!,
    port: Number(port),
    ALPNProtocols: ['h2'],
    // No secret depends on the look without TLS: it only asks whether there is some.
    ...(tls ? materialsOf(tls) : { rejectUnauthorized: false }),
    checkServerIdentity: (_, certificate) => (tls ? checkServerIdentity(name, certificate) : undefined),
    servername: isIP(name) ? '' : name,
  })
  const network = networkWords(address, host!, code)
  if (network) return network
  const speaksTls = secure || /^ERR_SSL_.*ALERT_/.test(code ?? '')
  if (!tls)
    return speaksTls
      ? `${address} speaks TLS and REKEY_TEMPORAL_TLS is off: set it to on`
      : `${address} can be reached, but did not answer in time as Temporal does`
  return certificateWords(address, name, code, names) ?? clientWords(address, tls, { secure, code })
}

function materialsOf({ ca, client }: TlsCredentials): ConnectionOptions {
  return { ca, ...(client && { cert: client.certificate, key: client.key }) }
}

function look(options: ConnectionOptions): Promise<Look> {
  return new Promise((resolve) => {
    let secure = false
    const socket = connect(options)
    const timer = setTimeout(() => end('ETIMEDOUT'), PATIENCE)
    const end = (code: string | undefined, names?: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ secure, code, ...(names !== undefined && { names }) })
    }
    socket.on('secureConnect', () => {
      secure = true
      socket.write(GREETING)
    })
    socket.on('data', () => end(undefined))
    socket.on('error', (error: NodeJS.ErrnoException & { cert?: { subjectaltname?: string } }) =>
      end(error.code ?? 'ended', error.cert?.subjectaltname),
    )
    socket.on('close', () => end('ended'))
  })
}

function networkWords(address: string, host: string, code: string | undefined): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${address}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host ${host} of REKEY_TEMPORAL_ADDRESS is not known here`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${address} does not answer`
    default:
      return undefined
  }
}

const UNKNOWN_AUTHORITY =
  /^(UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|(DEPTH_ZERO_)?SELF_SIGNED_CERT(_IN_CHAIN)?|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)$/

function certificateWords(
  address: string,
  name: string,
  code: string | undefined,
  names: string | undefined,
): string | undefined {
  const whose = `the certificate of ${address}`
  if (code === undefined) return `${address} can be reached over TLS, but did not answer in time`
  if (UNKNOWN_AUTHORITY.test(code))
    return `${whose} is from no authority that is trusted: name its authority in REKEY_TEMPORAL_TLS_CA_FILE`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${whose} is not for ${name}${shown(names)}: set REKEY_TEMPORAL_TLS_SERVER_NAME to a name that it has`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `${whose} is not valid today: it must be replaced there, or a clock is wrong`
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$|^EPROTO$/.test(code))
    return `${address} speaks no TLS: set REKEY_TEMPORAL_TLS=off, or name an address that does`
  return undefined
}

const REFUSED_BY_ALERT = /ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)/

/** What is left is the server's no to us, which it says as an alert or by ending the connection after the handshake. */
function clientWords(address: string, { client }: TlsCredentials, { secure, code = '' }: Look): string {
  const told = code === 'ended' ? '' : ` (${code})`
  if (!secure && !REFUSED_BY_ALERT.test(code)) return `the TLS handshake with ${address} fails${told}`
  if (!client)
    return `${address} seems to want a client certificate${told}: set REKEY_TEMPORAL_TLS_CERT_FILE and REKEY_TEMPORAL_TLS_KEY_FILE`
  if (client.expires.getTime() < Date.now())
    return `the client certificate in REKEY_TEMPORAL_TLS_CERT_FILE expired on ${client.expires.toISOString().slice(0, 10)}: replace it`
  return `${address} does not take the client certificate in REKEY_TEMPORAL_TLS_CERT_FILE${told}: it must be from an authority that Temporal trusts`
}

function shown(names: string | undefined): string {
  const list = names
    ?.split(/,\s*/)
    .filter((one) => /^(DNS|IP Address):[\w.*:-]{1,100}$/.test(one))
    .map((one) => one.replace(/^[^:]+:/, ''))
  return list?.length ? `, but for ${list.slice(0, 5).join(', ')}` : ''
}
