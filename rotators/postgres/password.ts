/** What PostgreSQL stores of passwords. Never sends, stores or prints either. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * The verifier that a server with this `password_encryption` would have computed itself. Only for passwords in
 * printable ASCII, which SASLprep leaves as they are.
 */
export async function passwordVerifier(
  credential: { username: string; password: string },
  server: { encryption: string; iterations: number },
): Promise<string> {
  if (server.encryption === 'scram-sha-256') {
    return scramVerifier(credential.password, randomBytes(16), server.iterations)
  }
  const { username, password } = credential
  return `md5${createHash('md5')
    .update(password + username)
    .digest('hex')}`
}

/** `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` (RFC 5803, as PostgreSQL writes it). */
export async function scramVerifier(password: string, salt: Buffer, iterations: number): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  const serverKey = keyed('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
