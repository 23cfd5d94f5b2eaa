/** Makes passwords that the usual password policies of MySQL and MariaDB take, and what these servers store of them. */
import { createHash, randomInt } from 'node:crypto'
import { publicKeyOf } from './ed25519.ts'

/** Survives URLs and YAML; between letters and digits also shells. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
const LENGTH = 40
/** validate_password (MEDIUM, STRONG) and simple_password_check ask for one of each. */
const NEEDED = [/[A-Z]/, /[a-z]/, /[0-9]/, /[-_.]/, /^[A-Za-z0-9].*[A-Za-z0-9]$/]

/** A new password: each that fits is as likely as any other; over 230 bits. */
export function generatePassword(): string {
  for (;;) {
    const made = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
    if (NEEDED.every((pattern) => pattern.test(made))) return made
  }
}

const sha1 = (data: string | Buffer) => createHash('sha1').update(data).digest()

/** What mysql_native_password stores. */
export function nativeHash(password: string): string {
  return `*${sha1(sha1(password)).toString('hex').toUpperCase()}`
}

/** What MariaDB's ed25519 stores. */
export function ed25519Hash(password: string): string {
  return publicKeyOf(password).toString('base64').replace(/=+$/, '')
}
