/** Runs that began under older code go on under today's: every recorded history replays, and none is left out. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { sharedBundle } from '../support/servers.ts'
import { STORIES } from './stories.ts'
import * as workflows from '../../workflows/index.ts'

const FOLDER = fileURLToPath(new URL('histories/', import.meta.url))
const EVENTS = [
  'WORKFLOW_EXECUTION_SIGNALED',
  'WORKFLOW_EXECUTION_UPDATE_ACCEPTED',
  'WORKFLOW_EXECUTION_UPDATE_COMPLETED',
  'WORKFLOW_EXECUTION_CANCEL_REQUESTED',
  'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
  'ACTIVITY_TASK_COMPLETED',
  'ACTIVITY_TASK_FAILED',
  'MARKER_RECORDED',
  'WORKFLOW_EXECUTION_COMPLETED',
]
const histories = readdirSync(FOLDER)

test('there is a history of every story, and a story of every history', () => {
  expect(histories.toSorted()).toEqual(STORIES.map(({ name }) => `${name}.json`).toSorted())
})

test('every workflow has one, and every kind of event that ours can come to is in some', () => {
  const texts = histories.map((name) => readFileSync(FOLDER + name, 'utf8'))
  const recorded = texts.map((text) => /"workflowType":\s*\{\s*"name":\s*"(\w+)"/.exec(text)?.[1])
  expect(new Set(recorded)).toEqual(new Set(Object.keys(workflows)))
  for (const type of EVENTS) expect(texts.join('').includes(`"EVENT_TYPE_${type}"`), type).toBe(true)
})

test.each(histories)('%s replays', async (name) => {
  const { codePath } = await sharedBundle()
  const history: unknown = JSON.parse(readFileSync(FOLDER + name, 'utf8'))
  await Worker.runReplayHistory(
    { workflowBundle: { codePath } },
    history,
    `rotate/${name.replace('.json', '')}`,
  )
})

test('a history that the workflow cannot have made does not replay', async () => {
  const { codePath } = await sharedBundle()
  const text = readFileSync(`${FOLDER}one-path-succeeds.json`, 'utf8').replaceAll(
    '"rotateSecret"',
    '"anotherActivity"',
  )
  const replay = Worker.runReplayHistory(
    { workflowBundle: { codePath } },
    JSON.parse(text) as unknown,
    'rotate/other',
  )
  await expect(replay).rejects.toThrow(/[Nn]ondeterminism|TMPRL1100/)
})
