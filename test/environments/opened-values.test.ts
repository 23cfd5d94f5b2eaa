import { expect, test } from 'vitest'
import { createOpenedValues } from '../../environments/opened-values.ts'

interface Values {
  name: string
  origin?: string
}
const values = (name: string, origin?: string): Values => ({ name, ...(origin !== undefined && { origin }) })

test('values are known until they expire', () => {
  let clock = 0
  const opened = createOpenedValues<Values>(10, () => clock)
  opened.set('a', values('a'), 100)
  clock = 99
  expect(opened.get('a')).toEqual(values('a'))
  clock = 100
  expect(opened.get('a')).toBeUndefined()
  expect(opened.get('b')).toBeUndefined()
})

test('when there is no room, the one least recently read goes', () => {
  const opened = createOpenedValues<Values>(2, () => 0)
  opened.set('a', values('a'), 1)
  opened.set('b', values('b'), 1)
  opened.get('a')
  opened.set('c', values('c'), 1)
  expect(opened.get('b')).toBeUndefined()
  expect(opened.get('a')).toEqual(values('a'))
  expect(opened.get('c')).toEqual(values('c'))
})

test('expired ones make room before living ones go', () => {
  let clock = 0
  const opened = createOpenedValues<Values>(2, () => clock)
  opened.set('lasting', values('lasting'), 100)
  opened.set('short', values('short'), 10)
  clock = 20
  opened.set('new', values('new'), 100)
  expect(opened.get('lasting')).toEqual(values('lasting'))
})

test('without room nothing is kept', () => {
  const opened = createOpenedValues<Values>(0, () => 0)
  opened.set('a', values('a'), 1)
  expect(opened.get('a')).toBeUndefined()
})

test('of one origin, what the newest session was given is known for as long as that is', () => {
  let clock = 0
  const opened = createOpenedValues<Values>(2, () => clock)
  expect(opened.ofOrigin('o')).toBeUndefined()
  const first = values('first', 'o')
  opened.set('a', first, 100)
  opened.set('b', first, 10)
  expect(opened.ofOrigin('o')).toBe(first)
  expect(opened.ofOrigin('other')).toBeUndefined()
  clock = 10
  expect(opened.ofOrigin('o')).toBeUndefined()
  opened.set('c', values('newer', 'o'), 200)
  expect(opened.ofOrigin('o')).toMatchObject({ name: 'newer' })
  // Of `a`, which is older than the newest.
  clock = 100
  opened.get('a')
  expect(opened.ofOrigin('o')).toMatchObject({ name: 'newer' })
  opened.set('d', values('d'), 50)
  opened.set('e', values('e'), 50)
  expect(opened.ofOrigin('o')).toBeUndefined()
})
