/** Verifiers, against the published example of SCRAM-SHA-256 and the database's own md5 form. */
import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { passwordVerifier, scramVerifier } from '../../../rotators/postgres/password.ts'

test('the verifier accepts the proof, and makes the signature, of the example in RFC 7677', async () => {
  const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)
  const [, iterations, salt, storedKey, serverKey] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(
    verifier,
  )!
  expect([iterations, salt]).toEqual(['4096', 'W22ZaJ0SNY7soEsUEjb6gQ=='])

  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`
  const mac = (key: string) => createHmac('sha256', Buffer.from(key, 'base64')).update(message).digest()
  expect(mac(serverKey!).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64')
  const signature = mac(storedKey!)
  const clientKey = proof.map((byte, index) => byte ^ signature[index]!)
  expect(createHash('sha256').update(clientKey).digest('base64')).toBe(storedKey)
})

test('the verifier is of the kind that the server names, salted anew, and never holds the password', async () => {
  const credential = { username: 'app', password: 'correct-horse' }
  const scram = { encryption: 'scram-sha-256', iterations: 5000 }
  const one = await passwordVerifier(credential, scram)
  expect(one).toMatch(/^SCRAM-SHA-256\$5000:/)
  expect(await passwordVerifier(credential, scram)).not.toBe(one)
  expect(one).not.toContain('correct')
  // select 'md5' || md5('correct-horse' || 'app')
  expect(await passwordVerifier(credential, { encryption: 'md5', iterations: 0 })).toBe(
    `md5${createHash('md5').update('correct-horseapp').digest('hex')}`,
  )
})
