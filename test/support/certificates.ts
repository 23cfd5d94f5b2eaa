/** Certificate authorities and server certificates for tests, made on the spot: no key lies in the repository. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Certificate {
  /** PEM. */
  certificate: string
  /** PEM, PKCS #8. */
  key: string
}

export interface Authority extends Certificate {
  /** A server certificate for these host names and IPv4 addresses; `days` below 0 makes it expired. */
  issue(names: string[], days?: number): Certificate
}

/** A DER value: tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...content: Buffer[]) => der(0x30, ...content)
const hex = (tag: number, content: string) => der(tag, Buffer.from(content, 'hex'))
const octets = (content: Buffer) => der(0x04, content)
const text = (tag: number, content: string) => der(tag, Buffer.from(content))
const time = (at: number) => text(0x18, new Date(at).toISOString().replace(/[-:T]|\.\d+/g, ''))

const ECDSA_SHA256 = sequence(hex(0x06, '2a8648ce3d040302'))
const COMMON_NAME = hex(0x06, '550403')
const BASIC_CONSTRAINTS = hex(0x06, '551d13')
const ALTERNATIVE_NAMES = hex(0x06, '551d11')
const TRUE = hex(0x01, 'ff')
const DAY = 86_400_000

const nameOf = (name: string) => sequence(der(0x31, sequence(COMMON_NAME, text(0x0c, name))))

function build(
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  extension: Buffer,
  days: number,
) {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)])
  const body = sequence(
    der(0xa0, hex(0x02, '02')),
    der(0x02, serial),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(time(Date.now() - 30 * DAY), time(Date.now() + days * DAY)),
    nameOf(subject),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(extension)),
  )
  const signature = sign('sha256', body, signer)
  const whole = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }).toString()

export function certificateAuthority(name = 'Rekey test authority'): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)))
  return {
    certificate: build(name, name, own.publicKey, own.privateKey, isAuthority, 30),
    key: pem(own.privateKey),
    issue(names, days = 30) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const entries = names.map((entry) =>
        isIPv4(entry) ? der(0x87, Buffer.from(entry.split('.').map(Number))) : text(0x82, entry),
      )
      const extension = sequence(ALTERNATIVE_NAMES, octets(sequence(...entries)))
      const subject = names[0] ?? 'nobody'
      return {
        certificate: build(subject, name, pair.publicKey, own.privateKey, extension, days),
        key: pem(pair.privateKey),
      }
    },
  }
}
