/** Opening and reading over the API: what was imported last time is asked about early, and never answered from then. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { importsSeen } from '../../environments/imports-seen.ts'
import { findEnvironment } from '../../store/environments.ts'
import { giveGrant, takeGrant } from '../../store/grants.ts'
import { appendRevision } from '../../store/revisions.ts'
import { startApi, type Answer, type Api } from './api.ts'

let api: Api
const ids: Record<string, string> = {}
const BASE = '/api/esc/environments/main/p'

beforeAll(async () => {
  api = await startApi()
  for (const name of ['shared', 'other', 'app']) {
    await api.call('POST', '/api/esc/environments/main', { body: { project: 'p', name } })
    ids[name] = (await findEnvironment(api.db, { organization: 'main', project: 'p', name }))!.id
  }
  await save('shared', 'values: { from: first }')
  await save('other', 'values: { from: other }')
  await save('app', 'imports: [p/shared]\nvalues: { got: "${from}" }')
  await api.person('eve', 'open', { project: 'p', environmentId: ids['app']! })
  await giveGrant(api.db, { ...eveOn('shared'), level: 'open', grantedBy: 'admin' })
})
afterAll(() => api.close())

const eveOn = (name: string) => ({
  scope: { organization: 'main', project: 'p', environmentId: ids[name]! },
  login: 'eve',
})

async function save(name: string, text: string): Promise<void> {
  await appendRevision(api.db, { environmentId: ids[name]!, text: `${text}\n`, creator: 'admin' })
}

async function read(as = 'eve'): Promise<Answer> {
  const opened = await api.call('POST', `${BASE}/app/open`, { as })
  return opened.status === 200
    ? await api.call('GET', `${BASE}/app/open/${String(opened.json.id)}?property=got`, { as })
    : opened
}

const imported = () =>
  importsSeen(api.services, { organization: 'main', project: 'p', name: 'app' }).map(({ name }) => name)

it('what an environment imports is asked about along with who opens it, as it is at that time', async () => {
  expect(imported()).toEqual([])
  expect((await read()).json).toMatchObject({ value: 'first' })
  expect(imported()).toEqual(['shared'])
  await save('shared', 'values: { from: second }')
  expect((await read()).json).toMatchObject({ value: 'second' })
  await takeGrant(api.db, eveOn('shared'))
  expect(await read()).toMatchObject({ status: 400, text: expect.stringContaining('p/shared') as string })
  expect((await read('admin')).json).toMatchObject({ value: 'second' })
  await save('app', 'imports: [p/other]\nvalues: { got: "${from}" }')
  expect((await read('admin')).json).toMatchObject({ value: 'other' })
  expect(imported()).toEqual(['other'])
  expect((await api.call('DELETE', `${BASE}/other`)).status).toBe(200)
  expect(await read('admin')).toMatchObject({
    status: 400,
    text: expect.stringContaining('p/other') as string,
  })
})

it('a session is read by nobody else, under no other environment, and no longer than its right lasts', async () => {
  await save('app', 'values: { got: mine }')
  const { id } = (await api.call('POST', `${BASE}/app/open`, { as: 'eve' })).json as { id: string }
  const get = async (name: string, as: string) =>
    (await api.call('GET', `${BASE}/${name}/open/${id}`, { as })).status
  expect(await get('app', 'eve')).toBe(200)
  expect(await get('app', 'admin')).toBe(404)
  expect(await get('shared', 'admin')).toBe(404)
  await takeGrant(api.db, eveOn('app'))
  expect(await get('app', 'eve')).toBe(404)
})
