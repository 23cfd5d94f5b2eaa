/** Runs that began under older code go on under today's: every recorded history replays, and none is left out. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { sharedBundle } from '../support/servers.ts'

const FOLDER = fileURLToPath(new URL('histories/', import.meta.url))
const histories = readdirSync(FOLDER)

test('there are histories of every way through the workflow', () => {
  expect(histories.length).toBeGreaterThanOrEqual(8)
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
