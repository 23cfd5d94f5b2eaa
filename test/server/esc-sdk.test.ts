/** The API through the official SDK from npm, unchanged: a port is given to it afterwards, since it drops the one it gets. */
import { Configuration, EscApi } from '@pulumi/esc-sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApi, type Api } from './api.ts'

let api: Api
let client: EscApi
const PROJECT = 'sdk'

beforeAll(async () => {
  api = await startApi()
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  client = clientWith(url, api.tokens['admin']!)
})
afterAll(() => api.close())

function clientWith(url: string, accessToken: string): EscApi {
  const made = new EscApi(new Configuration({ accessToken, basePath: url }))
  made.config.basePath = `${url}/api/esc`
  return made
}

/** The SDK's errors hold axios' own, with the answer in them. */
const statusOf = (work: Promise<unknown>) =>
  work.then(
    () => 200,
    (error: unknown) => {
      const { response, cause } = error as {
        response?: { status: number }
        cause?: { response?: { status: number } }
      }
      return response?.status ?? cause?.response?.status ?? error
    },
  )

it('creates, clones, lists, updates, reads, opens and deletes an environment', async () => {
  await client.createEnvironment('main', PROJECT, 'base')
  await client.updateEnvironment('main', PROJECT, 'base', { values: { base: 'from below' } })
  await client.createEnvironment('main', PROJECT, 'top')
  await client.cloneEnvironment('main', PROJECT, 'top', 'other', 'copy')
  const names = (await client.listEnvironments('main'))?.environments?.map(
    ({ project, name }) => `${project}/${name}`,
  )
  expect(names).toEqual(expect.arrayContaining(['sdk/base', 'sdk/top', 'other/copy']))

  const empty = await client.openAndReadEnvironment('main', PROJECT, 'top')
  expect(empty?.environment).toEqual({})
  expect(empty?.values).toEqual({})

  const definition = {
    imports: [`${PROJECT}/base`],
    values: {
      foo: 'bar',
      my_secret: { 'fn::secret': "shh! don't tell" },
      my_array: [1, 2, 3],
      pulumiConfig: { foo: '${foo}' },
      environmentVariables: { FOO: '${foo}' },
    },
  }
  const updated = await client.updateEnvironment('main', PROJECT, 'top', definition)
  expect(updated).toBeDefined()
  expect(updated?.diagnostics).toBeUndefined()

  const sealed = await client.getEnvironment('main', PROJECT, 'top')
  expect(sealed?.definition).toMatchObject({ ...definition, values: { ...definition.values, my_secret: {} } })
  expect(JSON.stringify(sealed)).not.toContain('shh!')
  const clear = await client.decryptEnvironment('main', PROJECT, 'top')
  expect(clear?.definition).toEqual(definition)

  const opened = await client.openAndReadEnvironment('main', PROJECT, 'top')
  expect(opened?.values).toMatchObject({
    base: 'from below',
    foo: 'bar',
    my_array: [1, 2, 3],
    my_secret: "shh! don't tell",
    pulumiConfig: { foo: 'bar' },
    environmentVariables: { FOO: 'bar' },
  })
  const session = await client.openEnvironment('main', PROJECT, 'top')
  const property = await client.readOpenEnvironmentProperty(
    'main',
    PROJECT,
    'top',
    session!.id,
    'pulumiConfig.foo',
  )
  expect(property?.value).toBe('bar')

  for (const name of ['top', 'base']) await client.deleteEnvironment('main', PROJECT, name)
  await client.deleteEnvironment('main', 'other', 'copy')
  expect(await statusOf(client.getEnvironment('main', PROJECT, 'top'))).toBe(404)
})

it('walks revisions and their tags', async () => {
  await client.createEnvironment('main', PROJECT, 'revisions')
  const at = ['main', PROJECT, 'revisions'] as const
  await client.updateEnvironmentYaml(...at, 'values:\n  v: one\n')
  await client.updateEnvironmentYaml(...at, 'values:\n  v: two\n')
  const revisions = await client.listEnvironmentRevisions(...at)
  expect(revisions?.map(({ number }) => number)).toEqual([3, 2, 1])
  expect((await client.getEnvironmentAtVersion(...at, '2'))?.definition?.values).toEqual({ v: 'one' })

  await client.createEnvironmentRevisionTag(...at, 'testTag', 2)
  expect((await client.openAndReadEnvironmentAtVersion(...at, 'testTag'))?.values).toEqual({ v: 'one' })
  expect((await client.listEnvironmentRevisionTags(...at))?.tags?.map(({ name }) => name)).toEqual([
    'latest',
    'testTag',
  ])
  await client.updateEnvironmentRevisionTag(...at, 'testTag', 3)
  expect((await client.getEnvironmentRevisionTag(...at, 'testTag'))?.revision).toBe(3)
  expect((await client.openAndReadEnvironmentAtVersion(...at, 'testTag'))?.values).toEqual({ v: 'two' })
  await client.deleteEnvironmentRevisionTag(...at, 'testTag')
  expect((await client.listEnvironmentRevisionTags(...at))?.tags).toHaveLength(1)
})

it('checks definitions', async () => {
  const valid = await client.checkEnvironment('main', { values: { foo: 'bar' } })
  expect(valid).toBeDefined()
  expect(valid?.diagnostics).toBeUndefined()
  const invalid = await client.checkEnvironment('main', { values: { pulumiConfig: { foo: '${bad_ref}' } } })
  expect(invalid?.diagnostics).toHaveLength(1)
  expect(invalid?.diagnostics?.[0]?.summary).toBe('unknown property "bad_ref"')
})

it('is told what is wrong', async () => {
  const anonymous = clientWith(client.config.basePath!.replace(/\/api\/esc$/, ''), 'rkp_wrong')
  expect(await statusOf(anonymous.listEnvironments('main'))).toBe(401)
  expect(await statusOf(client.listEnvironments('nowhere'))).toBe(404)
  await client.createEnvironment('main', PROJECT, 'twice')
  expect(await statusOf(client.createEnvironment('main', PROJECT, 'twice'))).toBe(409)
  expect(await statusOf(client.updateEnvironmentYaml('main', PROJECT, 'twice', 'values: ['))).toBe(400)
})
