/** Makes passwords of database users. Never sends, stores or prints them. */
import { randomInt } from 'node:crypto'

/** Survives URLs, shells, YAML and connection strings without quoting. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** 40 × log2(62) = 238 bits. */
const LENGTH = 40

/** A new password; `randomInt` is unbiased. */
export function generatePassword(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
