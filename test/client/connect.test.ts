import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connectTemporal, isAway, pingTemporal } from '../../client/connect.ts'
import { freePort } from '../../embedded/free-port.ts'

test('closing while a call is being tried again ends that call, and not the program', async () => {
  const client = connectTemporal({ address: `127.0.0.1:${await freePort()}`, namespace: 'default' })
  // Unary calls of a client that has connected once are what gRPC tries again by itself.
  const called = client.connection
    .withDeadline(Date.now() + 3_000, () => client.workflowService.getSystemInfo({}))
    .then(
      () => 'answered',
      (error: unknown) => (isAway(error) ? 'away' : String(error)),
    )
  await sleep(150)
  await client.connection.close()
  expect(await called).toBe('away')
  // What is thrown out of a timer fails the whole run.
  await sleep(1_500)
})

test('a call on a connection that is closed fails, and does not end the program', async () => {
  const client = connectTemporal({ address: `127.0.0.1:${await freePort()}`, namespace: 'default' })
  await client.connection.close()
  const refused = await client.connection
    .withDeadline(Date.now() + 3_000, () => client.workflowService.getSystemInfo({}))
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Error)
  expect(isAway(refused)).toBe(true)
})

test('a Temporal that is away is told apart', async () => {
  const client = connectTemporal({ address: `127.0.0.1:${await freePort()}`, namespace: 'default' })
  const refused = await pingTemporal(client, 500).catch((error: unknown) => error)
  expect(isAway(refused)).toBe(true)
  await client.connection.close()
})
