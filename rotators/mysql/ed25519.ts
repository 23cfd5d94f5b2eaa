/**
 * MariaDB's ed25519 authentication: as in RFC 8032, but with the password, of any length, in the place of the 32-byte
 * seed, which is why Node's own ed25519 cannot be used.
 */
import { createHash } from 'node:crypto'
import { Point } from '@noble/ed25519'

const ORDER = Point.CURVE().n

const sha512 = (...parts: (Buffer | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest()

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function times(scalar: bigint): Buffer {
  return Buffer.from(Point.BASE.multiply(scalar % ORDER).toBytes())
}

/** The scalar is clamped as the standard says. */
function expand(password: string): { scalar: bigint; prefix: Buffer } {
  const hash = sha512(Buffer.from(password))
  hash[0]! &= 248
  hash[31]! = (hash[31]! & 63) | 64
  return { scalar: littleEndian(hash.subarray(0, 32)), prefix: hash.subarray(32) }
}

export function publicKeyOf(password: string): Buffer {
  return times(expand(password).scalar)
}

/** The answer to the server's challenge: 64 bytes. */
export function sign(password: string, challenge: Buffer): Buffer {
  const { scalar, prefix } = expand(password)
  const nonce = littleEndian(sha512(prefix, challenge)) % ORDER
  const r = times(nonce)
  const k = littleEndian(sha512(r, times(scalar), challenge)) % ORDER
  const s = Buffer.from(((nonce + k * scalar) % ORDER).toString(16).padStart(64, '0'), 'hex').reverse()
  return Buffer.concat([r, s])
}
