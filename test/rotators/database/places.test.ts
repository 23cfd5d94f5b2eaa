import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CONNECTIONS_PER_SERVER, takePlace } from '../../../rotators/database/places.ts'

const never = new AbortController().signal
const calm = { urgent: false, signal: never }

/** Takes all places of a server of its own. */
async function full(
  port: number,
): Promise<{ server: { host: string; port: number }; leave: (() => void)[] }> {
  const server = { host: 'places.test', port }
  const leave = await Promise.all(
    Array.from({ length: CONNECTIONS_PER_SERVER }, () => takePlace(server, calm)),
  )
  return { server, leave }
}

/** Notes in `order` when it has its place. */
function take(
  server: { host: string; port: number },
  order: string[],
  name: string,
  options: Partial<typeof calm> = {},
): Promise<() => void> {
  return takePlace(server, { ...calm, ...options }).then((leave) => {
    order.push(name)
    return leave
  })
}

test('whoever comes when all places are taken waits for one that is given back', async () => {
  const { server, leave } = await full(1)
  const order: string[] = []
  const waiting = [take(server, order, 'first'), take(server, order, 'second')]
  await turn()
  expect(order).toEqual([])
  // Given back twice is given back once.
  leave[0]!()
  leave[0]!()
  await turn()
  expect(order).toEqual(['first'])
  leave[1]!()
  for (const given of [...leave.slice(2), ...(await Promise.all(waiting))]) given()
  expect(order).toEqual(['first', 'second'])
})

test('one server does not wait for another', async () => {
  const { leave } = await full(2)
  const given = await takePlace({ host: 'places.test', port: 3 }, calm)
  given()
  for (const each of leave) each()
})

test('who has a deadline comes before those who came earlier', async () => {
  const { server, leave } = await full(4)
  const order: string[] = []
  const waiting = [take(server, order, 'looks'), take(server, order, 'changes', { urgent: true })]
  leave[0]!()
  await turn()
  expect(order).toEqual(['changes'])
  for (const given of leave.slice(1)) given()
  for (const given of await Promise.all(waiting)) given()
})

test('who gives up leaves the queue, and takes no place with him', async () => {
  const { server, leave } = await full(5)
  const order: string[] = []
  const stop = new AbortController()
  const stopped = take(server, order, 'stopped', { signal: stop.signal })
  const waiting = take(server, order, 'waiting')
  stop.abort()
  ;(await stopped)()
  expect(order).toEqual(['stopped'])
  leave[0]!()
  ;(await waiting)()
  expect(order).toEqual(['stopped', 'waiting'])
  // As many as before have room, and no more.
  const again = await takePlace(server, calm)
  const late = take(server, order, 'late')
  await turn()
  expect(order).not.toContain('late')
  again()
  ;(await late)()
  for (const given of leave.slice(1)) given()
})
