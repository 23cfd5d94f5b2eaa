/** Passwords that rotators of databases make. */
import { expect, test } from 'vitest'
import { generatePassword } from '../../../rotators/database/password.ts'

test('passwords: 40 letters and digits, each as likely as the others, none twice', () => {
  const made = Array.from({ length: 2000 }, generatePassword)
  expect(new Set(made).size).toBe(made.length)
  for (const password of made) expect(password).toMatch(/^[A-Za-z0-9]{40}$/)
  const counts = new Map<string, number>()
  for (const character of made.join('')) counts.set(character, (counts.get(character) ?? 0) + 1)
  expect(counts.size).toBe(62)
  // 80 000 draws, 1290 expected each; seven standard deviations.
  for (const count of counts.values())
    expect(Math.abs(count - 80_000 / 62)).toBeLessThan(7 * Math.sqrt(80_000 / 62))
})
