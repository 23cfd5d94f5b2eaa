import { expect, test } from 'vitest'
import { allows, highestLevel, LEVELS } from '../../model/permissions.ts'

test('each level includes those before it and none after', () => {
  for (const [has, level] of LEVELS.entries())
    for (const [needs, needed] of LEVELS.entries()) expect(allows(level, needed)).toBe(has >= needs)
})

test('no level allows nothing', () => {
  for (const needed of LEVELS) expect(allows(null, needed)).toBe(false)
})

test('the highest level is by rank, whatever the order', () => {
  expect(highestLevel(['read', 'admin', 'open'])).toBe('admin')
  expect(highestLevel(['open', 'read'])).toBe('open')
  expect(highestLevel([])).toBe(null)
})
