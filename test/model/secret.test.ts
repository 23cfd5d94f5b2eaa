import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../model/secret.ts'

const CANARY = 'hunter2-canary'

test('a secret shows itself only when asked to reveal', () => {
  const secret = new Secret(CANARY)
  const shown = [
    `${secret}`,
    String(secret),
    secret + '',
    JSON.stringify({ secret }),
    JSON.stringify(Object.entries(secret)),
    inspect({ deep: [secret] }, { depth: null, showHidden: true }),
    format('%s %o %j', secret, secret, secret),
  ]
  for (const text of shown) expect(text).not.toContain(CANARY)
  expect(shown[0]).toBe('[secret]')
  expect(secret.reveal()).toBe(CANARY)
})
