/**
 * The envelope of a static secret: `escx`, version 1, the ciphertext, a CRC-32 of all before it; in base64. It guards
 * against accidents only: what is authenticated is up to whoever encrypts.
 */
import { crc32 } from 'node:zlib'
import { decodeBase64 } from './base64.ts'

const MAGIC = Buffer.from('escx')
const VERSION = 1
const OVERHEAD = 12

export function sealEnvelope(ciphertext: Uint8Array): string {
  const head = Buffer.alloc(8)
  MAGIC.copy(head)
  head.writeUInt32BE(VERSION, 4)
  const body = Buffer.concat([head, ciphertext])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([body, checksum]).toString('base64')
}

/** The ciphertext, or in words what is wrong with the envelope. */
export function openEnvelope(text: string): Uint8Array | string {
  const bytes = decodeBase64(text)
  if (typeof bytes === 'string') return bytes
  // as in other implementations a ciphertext has four bytes at least
  if (bytes.length < OVERHEAD + 4) return 'EOF'
  if (!bytes.subarray(0, 4).equals(MAGIC)) return 'invalid header'
  if (bytes.readUInt32BE(bytes.length - 4) !== crc32(bytes.subarray(0, -4))) return 'invalid checksum'
  if (bytes.readUInt32BE(4) !== VERSION) return 'unsupported version'
  return new Uint8Array(bytes.subarray(8, -4))
}
