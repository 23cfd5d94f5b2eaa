/** The registry, and what every rotator in it says about itself. */
import { describe, expect, test } from 'vitest'
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { findLogin, loginNames } from '../../rotators/logins/index.ts'

test('finds what it names, and nothing else', () => {
  expect(rotatorNames()).toContain('postgres')
  expect(rotatorNames()).toEqual([...rotatorNames()].sort())
  for (const name of ['', 'Postgres', 'constructor', '__proto__']) expect(findRotator(name)).toBeUndefined()
  for (const name of [...loginNames(), 'nothing']) expect(findLogin(name)?.name ?? 'nothing').toBe(name)
})

/** Every schema in a schema, with the names of the properties that lead to it. */
function* walk(schema: Schema, path: string[] = []): Generator<[string[], JSONSchema]> {
  if (typeof schema === 'boolean') return
  yield [path, schema]
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    yield* walk(property, [...path, name])
}

describe.for(rotatorNames())('%s', (name) => {
  const rotator = findRotator(name)!

  test('goes by its own name and says what it needs', () => {
    expect(rotator.name).toBe(name)
    expect(rotator.title).not.toBe('')
    expect(rotator.permissions.length > 0).toBe(!rotator.withoutTarget)
  })

  test('every password and secret in its schemas is marked as one', () => {
    let marked = 0
    for (const schema of [rotator.inputs, rotator.state, rotator.outputs]) {
      for (const [path, part] of walk(schema)) {
        const isCredential = /^(current|previous)$/.test(path.join('.')) && schema !== rotator.inputs
        const isNamedSo = /password|secret|token|private/i.test(path.at(-1) ?? '')
        if (!(isNamedSo || isCredential) || part.type === 'object') continue
        expect(part.secret, path.join('.')).toBe(true)
        marked++
      }
    }
    expect(marked).toBeGreaterThan(0)
  })

  test('what is required or resolved only while rotating is there', () => {
    for (const schema of [rotator.inputs, rotator.state, rotator.outputs]) {
      for (const [path, part] of walk(schema)) {
        for (const named of [...(part.required ?? []), ...(part.rotateOnly ?? [])]) {
          expect(Object.keys(part.properties ?? {}), path.join('.')).toContain(named)
        }
      }
    }
    expect(rotator.state.properties).toHaveProperty('current')
  })
})
