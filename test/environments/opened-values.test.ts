import { expect, test } from 'vitest'
import { createOpenedValues } from '../../environments/opened-values.ts'
import type { Environment } from '../../language/index.ts'
import { withProperties } from '../support/environments.ts'

const values = (name: string): Environment => withProperties({ name: { value: name } })

test('values are known until they expire', () => {
  let clock = 0
  const opened = createOpenedValues(10, () => clock)
  opened.set('a', values('a'), 100)
  opened.set('none', null, 100)
  clock = 99
  expect(opened.get('a')).toEqual(values('a'))
  expect(opened.get('none')).toBe(null)
  clock = 100
  expect(opened.get('a')).toBeUndefined()
  expect(opened.get('b')).toBeUndefined()
})

test('when there is no room, the one least recently read goes', () => {
  const opened = createOpenedValues(2, () => 0)
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
  const opened = createOpenedValues(2, () => clock)
  opened.set('lasting', values('lasting'), 100)
  opened.set('short', values('short'), 10)
  clock = 20
  opened.set('new', values('new'), 100)
  expect(opened.get('lasting')).toEqual(values('lasting'))
})

test('without room nothing is kept', () => {
  const opened = createOpenedValues(0, () => 0)
  opened.set('a', values('a'), 1)
  expect(opened.get('a')).toBeUndefined()
})
