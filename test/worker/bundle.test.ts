/** The workflow bundle for production: it holds the workflows, and nothing that a workflow must not hold. */
import { Worker } from '@temporalio/worker'
import { beforeAll, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { bundleWorkflows } from '../../worker/bundle.ts'

let code: string

beforeAll(async () => {
  code = (await bundleWorkflows()).code
})

test('it exports every workflow', async () => {
  const history: unknown = JSON.parse(
    readFileSync(new URL('../replay/histories/one-path-succeeds.json', import.meta.url), 'utf8'),
  )
  await Worker.runReplayHistory({ workflowBundle: { code } }, history)
  const unknown = JSON.parse(
    JSON.stringify(history).replaceAll('"rotateEnvironment"', '"rotateNothing"'),
  ) as unknown
  await expect(Worker.runReplayHistory({ workflowBundle: { code } }, unknown)).rejects.toThrow()
})

test('no activity, rotator, store, cron or node module is in it', () => {
  const sources = [...code.matchAll(/^\s*!\*\*\* (\.\/\S+)/gm)].map((match) => match[1]!)
  expect(sources.filter((path) => !path.startsWith('./node_modules/'))).toEqual(
    expect.arrayContaining(['./workflows/rotate-environment.ts', './workflows/messages.ts']),
  )
  expect(sources.filter((path) => !/^\.\/(node_modules|workflows|model)\//.test(path))).toEqual([])
  expect(sources.filter((path) => /cron-parser|kysely|node_modules\/pg\//.test(path))).toEqual([])
})
