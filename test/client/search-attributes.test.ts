/** Search attributes on a real Temporal: registered once, tolerated where they cannot be, each case in a namespace of its own. */
import type { Client } from '@temporalio/client'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectTemporal } from '../../client/connect.ts'
import { createSearchAttributes, registerSearchAttributes } from '../../client/search-attributes.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'
import { grpcProxy } from '../support/grpc-proxy.ts'
import { sharedTemporal, uniqueName } from '../support/servers.ts'

const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)
const [KEYWORD, INT] = [2, 3]

let address: string
const clients: Client[] = []

beforeAll(async () => {
  ;({ address } = await sharedTemporal())
})
afterAll(async () => {
  for (const { connection } of clients) await connection.close()
})

const clientOf = (namespace: string, at = address) => {
  const client = connectTemporal({ address: at, namespace })
  clients.push(client)
  return client
}

/** A namespace that has no search attribute of ours yet. */
async function freshNamespace(): Promise<Client> {
  const namespace = uniqueName('namespace')
  const client = clientOf(namespace)
  await client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  await expect
    .poll(() => client.connection.operatorService.listSearchAttributes({ namespace }).then(() => true), {
      timeout: 20_000,
    })
    .toBe(true)
  return client
}

const add = (client: Client, searchAttributes: Record<string, number>) =>
  client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes,
  })

function logger() {
  const lines: string[] = []
  return { lines, log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }) }
}

test('they are registered once; again, and by several at once, nothing happens', async () => {
  const client = await freshNamespace()
  const together = await Promise.all(Array.from({ length: 5 }, () => registerSearchAttributes(client)))
  for (const report of together) expect(report).toMatchObject({ usable: NAMES, missing: {} })
  expect(together.some(({ added }) => added.length > 0)).toBe(true)
  expect(await registerSearchAttributes(client)).toEqual({ usable: NAMES, added: [], missing: {} })
})

test('one that is there with another type is left alone and not used; the others are', async () => {
  const client = await freshNamespace()
  await add(client, { RekeyRevision: KEYWORD! })
  const report = await registerSearchAttributes(client)
  expect(report.missing).toEqual({ RekeyRevision: 'the namespace has it with another type' })
  expect(report.usable).toEqual(NAMES.filter((name) => name !== 'RekeyRevision'))
})

test('a namespace that is full takes what fits', async () => {
  const client = await freshNamespace()
  await add(client, Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`Other${index}`, KEYWORD!])))
  const report = await registerSearchAttributes(client)
  expect(report.usable).toEqual(
    expect.arrayContaining(['RekeyEnvironment', 'RekeyRevision', 'RekeyFailureCode', 'RekeyRotator']),
  )
  expect(Object.keys(report.missing)).toEqual(['RekeyTrigger', 'RekeyOutcome'])
  expect(report.missing['RekeyOutcome']).toContain('can hold')
})

test('an account that may not register uses what others registered, and is told once, without words of Temporal', async () => {
  const direct = await freshNamespace()
  await add(direct, { RekeyEnvironment: KEYWORD!, RekeyRevision: INT! })
  const proxy = await grpcProxy(address, (path) => path.endsWith('/AddSearchAttributes'))
  try {
    const { log, lines } = logger()
    const attributes = createSearchAttributes(clientOf(direct.options.namespace, proxy.address), log)
    expect(await attributes.refresh()).toEqual(['RekeyEnvironment', 'RekeyRevision'])
    await attributes.refresh()
    expect(attributes.usable()).toEqual(['RekeyEnvironment', 'RekeyRevision'])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('this account may not register search attributes')
    expect(lines[0]).toContain('rekey migrate')
    expect(lines[0]).not.toContain('hunter2')
    await registerSearchAttributes(direct)
    expect(await attributes.refresh()).toEqual(NAMES)
  } finally {
    await proxy.close()
  }
})

test('an account that may not even look has none', async () => {
  const direct = await freshNamespace()
  await registerSearchAttributes(direct)
  const proxy = await grpcProxy(address, (path) => path.includes('OperatorService'))
  try {
    const report = await registerSearchAttributes(clientOf(direct.options.namespace, proxy.address))
    expect(report).toMatchObject({ usable: [], added: [] })
    expect(Object.keys(report.missing)).toEqual(NAMES)
  } finally {
    await proxy.close()
  }
})

test('while Temporal is away, what was known stays; nothing is thrown or said', async () => {
  const direct = await freshNamespace()
  const proxy = await grpcProxy(address, () => false)
  const { log, lines } = logger()
  const client = clientOf(direct.options.namespace, proxy.address)
  const attributes = createSearchAttributes(client, log)
  expect(await attributes.refresh()).toEqual(NAMES)
  await proxy.close()
  lines.length = 0
  expect(await attributes.refresh()).toEqual(NAMES)
  expect(lines).toEqual([])
  await expect(registerSearchAttributes(client, 1_000)).rejects.toThrow()
})
