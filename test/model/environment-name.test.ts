import { describe, expect, test } from 'vitest'
import {
  checkEnvironmentName,
  checkOrganizationName,
  checkTagName,
  parseEnvironmentReference,
  parseVersion,
} from '../../model/environment-name.ts'
import { Refusal } from '../../model/refusal.ts'

describe('references', () => {
  const latest = { kind: 'latest' }
  test.each([
    ['prod', { project: 'default', name: 'prod', version: latest }],
    ['app/prod', { project: 'app', name: 'prod', version: latest }],
    ['acme/app/prod', { project: 'app', name: 'prod', version: latest }],
    ['app/prod@', { project: 'app', name: 'prod', version: latest }],
    ['app/prod@latest', { project: 'app', name: 'prod', version: latest }],
    ['app/prod@7', { project: 'app', name: 'prod', version: { kind: 'number', number: 7 } }],
    ['prod:7', { project: 'default', name: 'prod', version: { kind: 'number', number: 7 } }],
    ['app/prod@stable-1', { project: 'app', name: 'prod', version: { kind: 'tag', tag: 'stable-1' } }],
  ])('%s', (text, expected) => {
    expect(parseEnvironmentReference(text, 'acme')).toEqual({ organization: 'acme', ...expected })
  })

  test.each([
    ['', 'does not name an environment'],
    ['a/', 'does not name an environment'],
    ['/a', 'does not name an environment'],
    ['a/../b', 'another organization'],
    ['../b', 'does not name an environment'],
    ['other/app/prod', 'another organization'],
    ['acme/a/b/c', 'does not name an environment'],
    ['app/prod@1x', 'neither a revision number nor a tag'],
    ['app/prod@99999999999', 'neither a revision number nor a tag'],
    ['app/prod@a b', 'neither a revision number nor a tag'],
  ])('refuses %s', (text, words) => {
    expect(() => parseEnvironmentReference(text, 'acme')).toThrow(words)
  })
})

describe('new names', () => {
  test('default is a project, and words of the API are barred only as whole names', () => {
    checkEnvironmentName({ organization: 'acme', project: 'default', name: 'open-air' })
    checkEnvironmentName({ organization: 'acme', project: 'yaml2', name: 'default' })
  })
  test.each([
    ['yaml', 'prod'],
    ['tags', 'prod'],
    ['app', 'open'],
    ['app', '.'],
    ['..', 'prod'],
    ['app', '.hidden'],
    ['app', ''],
    ['a b', 'prod'],
    ['app', 'x'.repeat(101)],
    ['app', 'prod@1'],
    ['app', 'prod\n'],
  ])('refuses %s/%s', (project, name) => {
    expect(() => checkEnvironmentName({ organization: 'acme', project, name })).toThrow(Refusal)
  })
  test.each(['ab', '-acme', 'acme-', 'a'.repeat(41), 'ac me', ''])('refuses organization %s', (name) => {
    expect(() => checkOrganizationName(name)).toThrow('cannot name an organization')
  })
  test.each(['latest', '7', '7up', '', 'a/b', '-x'])('refuses the tag %s', (tag) => {
    expect(() => checkTagName(tag)).toThrow(Refusal)
  })
  test('a tag that can be made can be asked for', () => {
    checkTagName('v1.2-rc_3')
    expect(parseVersion('v1.2-rc_3')).toEqual({ kind: 'tag', tag: 'v1.2-rc_3' })
  })
})
