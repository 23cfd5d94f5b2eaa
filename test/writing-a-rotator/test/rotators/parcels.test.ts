/** The rotator `parcels` under the contract, at a parcel service of its own. */
import { randomUUID } from 'node:crypto'
import { contractSuite } from '../../../rotators/contract.ts'
import type { Fixture } from '../../../rotators/contract/bench.ts'
import { parcels } from '../../rotators/parcels.ts'
import type { ParcelsInputs, ParcelsToken } from '../../rotators/parcels/schema.ts'
import { startParcels } from '../support/parcels-server.ts'

async function setup(): Promise<Fixture<ParcelsInputs, ParcelsToken, ParcelsToken>> {
  const service = await startParcels()
  const { host, port, account, managing, looking, tokens } = service
  const inputs = { url: `http://${host}:${port}`, account, managingToken: managing }
  const wrong = randomUUID()
  return {
    inputs,
    address: { host, port },
    via: (address) => ({ ...inputs, url: `http://${address.host}:${address.port}` }),
    wrongManager: { ...inputs, managingToken: wrong },
    powerless: { ...inputs, managingToken: looking },
    logsIn: async ({ slot, token }) => tokens.get(slot) === token,
    snapshot: async () => new Map(tokens),
    changeByHand: async ({ slot }) => void tokens.set(slot, randomUUID()),
    block: async ({ slot }) => {
      const unlock = service.lock(slot)
      return async () => unlock()
    },
    refusedValue: async (prepared) => {
      service.demand(20)
      return { ...prepared, token: 'too-short' }
    },
    secrets: [managing, looking, wrong],
    dispose: () => service.close(),
  }
}

contractSuite({ rotator: parcels, setup, secretOf: ({ token }) => token })
