/** The rotator of docs/writing-a-rotator.md through the whole line: nothing but the registry has to know it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findRotator } from '../../rotators/index.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import { startLine, type Line } from '../support/line.ts'
import { parcels } from './rotators/parcels.ts'
import type { ParcelsToken } from './rotators/parcels/schema.ts'
import { startParcels, type Parcels } from './test/support/parcels-server.ts'

let line: Line
let service: Parcels

beforeAll(async () => {
  service = await startParcels()
  line = await startLine()
  line.services.findRotator = (name) => (name === parcels.name ? parcels : findRotator(name))
})
afterAll(async () => {
  await line.close()
  await service.close()
})

test('rotated, cut off after its change and taken up again, gone back on, and noticed when somebody else changes it', async () => {
  const { host, port, account, managing, tokens } = service
  // The very first attempt is lost just after its change.
  let lost = 0
  const at = async (place: string) => {
    if (place !== 'parcels: set' || lost > 0) return
    lost += 1
    throw new Error('lost')
  }
  await line.withWorker(
    async () => {
      const environment = await line.environment(`values:
  parcels:
    fn::rotate::parcels:
      inputs:
        url: http://${host}:${port}
        account: ${account}
        managingToken: { fn::secret: ${managing} }
`)
      const state = async () =>
        (await line.state(environment, 'parcels')) as unknown as RotatorState<ParcelsToken>
      for (const slot of ['a', 'b', 'a']) {
        expect(await line.rotate(environment)).toMatchObject({ outcome: 'succeeded' })
        expect(lost).toBe(1)
        const { current, previous } = await state()
        expect(current).toEqual({ slot, token: tokens.get(slot) })
        if (previous) expect(previous).toEqual({ slot: previous.slot, token: tokens.get(previous.slot) })
      }
      const before = await state()
      expect(await line.rotate(environment, { action: 'undo' })).toMatchObject({ outcome: 'succeeded' })
      expect(await state()).toEqual({ current: before.previous, previous: before.current })

      tokens.set('b', randomUUID())
      const changed = await line.rotate(environment)
      expect(changed.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TARGET_CHANGED' }])
      for (const token of tokens.values()) expect(line.logged.join()).not.toContain(token)
      expect(line.logged.join()).not.toContain(managing)
    },
    { ...line.activityServices, at },
  )
})
