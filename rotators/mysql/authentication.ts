/**
 * How a password is proved to a server: each way that we know, and what it may be sent over. Nothing that would give the
 * password away goes to a server whose identity was not checked, whatever that server asks for.
 */
import { constants, createHash, publicEncrypt } from 'node:crypto'
import { RotationFailure } from '../../model/failures.ts'
import { isLoopback } from '../database/route.ts'
import { sign } from './ed25519.ts'
import type { Route } from './route.ts'

/** What the driver asks for an answer to each message of the server; null for none. */
export type Proof = (message: Buffer) => Buffer | null

const SCRAMBLE = 20
const FAST = 3
const FULL = 4
const SEND_KEY = Buffer.from([2])
/** sha256_password asks for the key by another byte. */
const SEND_KEY_SHA256 = Buffer.from([1])

/** As in libpq: with an authority at hand, `require` checks against it. */
export function isVerified({ sslmode, ca }: Route): boolean {
  return sslmode.startsWith('verify') || (sslmode === 'require' && ca !== undefined)
}

/** May the server see the password itself, and nobody else on the way? */
export function isPrivate(route: Route, encrypted: boolean): boolean {
  return encrypted ? isVerified(route) || isLoopback(route.host) : isLoopback(route.host)
}

function hash(kind: 'sha1' | 'sha256', ...parts: (string | Buffer)[]): Buffer {
  return parts.reduce((sum, part) => sum.update(part), createHash(kind)).digest()
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ b[index % b.length]!))
}

/** By the name that servers use. */
export function proofs(route: Route, encrypted: boolean, password: string): Record<string, () => Proof> {
  const clear = Buffer.from(`${password}\0`)

  function demandPrivacy(): void {
    if (isPrivate(route, encrypted)) return
    throw new RotationFailure(
      'INPUT_INVALID',
      `${route.host}:${route.port} asks for the password itself, which only a server whose certificate was checked may see; set database.sslmode to verify-full`,
    )
  }

  /** In clear under TLS; under the server's own key on this machine. */
  function whole(key: Buffer, scramble: Buffer): Buffer {
    return publicEncrypt(
      { key, oaepHash: 'sha1', padding: constants.RSA_PKCS1_OAEP_PADDING },
      xor(clear, scramble),
    )
  }

  return {
    mysql_native_password: () => (message) => {
      const scramble = message.subarray(0, SCRAMBLE)
      const once = hash('sha1', password)
      return xor(once, hash('sha1', scramble, hash('sha1', once)))
    },

    caching_sha2_password: () => {
      let scramble: Buffer | undefined
      let keyAsked = false
      return (message) => {
        if (scramble === undefined) {
          scramble = Buffer.from(message.subarray(0, SCRAMBLE))
          const once = hash('sha256', password)
          return xor(once, hash('sha256', hash('sha256', once), scramble))
        }
        if (keyAsked) return whole(message, scramble)
        if (message[0] === FAST) return null
        if (message[0] !== FULL) throw new Error('unexpected')
        demandPrivacy()
        if (encrypted) return clear
        keyAsked = true
        return SEND_KEY
      }
    },

    sha256_password: () => {
      let scramble: Buffer | undefined
      return (message) => {
        if (scramble !== undefined) return whole(message, scramble)
        demandPrivacy()
        scramble = Buffer.from(message.subarray(0, SCRAMBLE))
        return encrypted ? clear : SEND_KEY_SHA256
      }
    },

    client_ed25519: () => (message) => sign(password, message.subarray(0, 32)),

    mysql_clear_password: () => () => {
      if (encrypted && isVerified(route)) return clear
      throw new RotationFailure(
        'INPUT_INVALID',
        `${route.host}:${route.port} asks for the password in clear; set database.sslmode to verify-full`,
      )
    },
  }
}
