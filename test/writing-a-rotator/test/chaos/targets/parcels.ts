/** Parcel services to rotate at: each a server of its own behind a wire, on which every change and every log-in is seen. */
import type { ParcelsToken } from '../../../rotators/parcels/schema.ts'
import { startWire } from '../../../../chaos/wire.ts'
import { now } from '../../../../chaos/targets/target.ts'
import type { ChaosTarget, Conversation, Ground, Seen, TargetKind } from '../../../../chaos/targets/target.ts'
import { startParcels, type Parcels } from '../../support/parcels-server.ts'

const SLOTS = ['a', 'b']

export const parcelsKind: TargetKind = {
  name: 'parcels',
  async start(ground) {
    const services: Parcels[] = []
    return {
      env: {},
      make: async () => {
        const service = await startParcels()
        services.push(service)
        return await makeTarget(ground, service, `parcels_${services.length}`)
      },
      stop: async () => void (await Promise.all(services.map((service) => service.close()))),
    }
  },
}

async function makeTarget(ground: Ground, service: Parcels, name: string): Promise<ChaosTarget> {
  const { account, managing, tokens } = service
  const wire = await startWire({
    target: service,
    converse: () => converse(ground.seen, name),
    struck: (fault) => ground.struck(fault.name),
  })
  const isHeld = ({ slot, token }: Partial<ParcelsToken>) => slot !== undefined && tokens.get(slot) === token
  return {
    kind: 'parcels',
    name,
    claims: [`parcels://${wire.host}:${wire.port}/${account}`],
    wire,
    handedOver: SLOTS,
    yaml: (key) => `  ${key}:
    fn::rotate::parcels:
      inputs:
        url: http://${wire.host}:${wire.port}
        account: ${account}
        managingToken: { fn::secret: ${managing} }
`,
    identity: (credential) => (credential as ParcelsToken).slot,
    works: async (credential) => isHeld(credential as ParcelsToken),
    holdings: async () =>
      SLOTS.map((slot) => ({
        identity: slot,
        // Nobody has set it yet.
        foreign: tokens.get(slot) === '',
        is: (credential) => {
          const other = (credential ?? {}) as Partial<ParcelsToken>
          return other.slot === slot && isHeld(other)
        },
      })),
    says: (seen, { prepared, credential }) =>
      [prepared, credential].some((said) => {
        const { slot, token } = (said ?? {}) as Partial<ParcelsToken>
        return slot === seen.identity && token === seen.value
      }),
    bystanders: async () => '',
    secrets: [managing],
    secretsOf: (credential) => [(credential as ParcelsToken).token],
  }
}

/** One connection is one request and its answer. */
function converse(log: Seen[], target: string): Conversation {
  const head = { target, deliveredAt: null, value: null, effectiveAt: null }
  let login: number | undefined
  let change: Seen | undefined
  return {
    sent(chunk) {
      const [, method, path, body] = /^(\w+) (\S+) HTTP[\s\S]*?\r\n\r\n(.*)/.exec(chunk.toString()) ?? []
      if (path === '/me') login = now()
      const slot = method === 'PUT' ? path?.split('/').at(-1) : undefined
      if (slot === undefined) return { moments: [], throttled: status('429 Too Many Requests') }
      const { token: value } = JSON.parse(body ?? '') as ParcelsToken
      const seen: Seen = { ...head, what: 'set', at: now(), identity: slot, value }
      log.push((change = seen))
      return {
        // A change in one step: it arrives and takes effect with the same chunk.
        moments: ['change', 'commit'],
        throttled: status('429 Too Many Requests'),
        refused: status('422 Unprocessable Content'),
        delivered: () => (seen.deliveredAt = now()),
      }
    },
    answered(chunk) {
      const answer = chunk.toString()
      if (change && answer.startsWith('HTTP/1.1 204')) change.effectiveAt = now()
      const identity = /"slot":"(\w)"/.exec(answer)?.[1]
      if (login !== undefined && identity !== undefined)
        log.push({ ...head, what: 'login', at: login, deliveredAt: login, identity, effectiveAt: now() })
    },
  }
}

function status(line: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
}
