/**
 * `fn::rotate::parcels`: the two tokens of an account of the parcel service take turns; each rotation sets the one that is
 * not `current`. Changes nothing but that token.
 */
import { randomBytes } from 'node:crypto'
import { RotationFailure } from '../../../model/failures.ts'
import type { Rotator, RotatorContext } from '../../../rotators/rotator.ts'
import { PARCELS_INPUTS, PARCELS_STATE } from './parcels/schema.ts'
import type { ParcelsInputs, ParcelsToken } from './parcels/schema.ts'
import { ask } from './parcels/service.ts'

export const parcels: Rotator<ParcelsInputs, ParcelsToken, ParcelsToken> = {
  name: 'parcels',
  title: 'Tokens of the parcel service',
  slots: 2,
  repeatable: true,
  madeByTarget: false,
  inputs: PARCELS_INPUTS,
  state: PARCELS_STATE,
  outputs: PARCELS_STATE,
  permissions: [
    { who: 'the managing token', grant: 'tokens:write', why: 'to set the token that is not in use' },
  ],

  targets: (inputs) => [`parcels://${serviceOf(inputs).host}/${inputs.account}`],

  identity: ({ slot }) => slot,

  open(_inputs, { current, previous }) {
    if (current === null) throw new RotationFailure('STATE_INVALID', 'not rotated yet')
    return previous === null ? { current } : { current, previous }
  },

  async prepare(inputs, { current }, context) {
    const slot = current?.slot === 'a' ? 'b' : 'a'
    const { mayManage } = (await asManager(inputs, '/me', context)) as { mayManage?: boolean }
    if (!mayManage)
      throw new RotationFailure('TARGET_DENIED', 'managingToken may only look: let it write tokens')
    await lookAt(inputs, slot, context)
    return { slot, token: randomBytes(30).toString('base64url') }
  },

  async apply(inputs, prepared, context) {
    // A service that is away or does not know us is told of before anything is sent, and within `timeout`.
    await lookAt(inputs, prepared.slot, context)
    await context.at?.('parcels: about to set')
    const { sendBy, changeTimeout } = context
    if (Date.now() > sendBy)
      throw new RotationFailure('TARGET_TIMEOUT', 'there was no time left to send it', { unchanged: true })
    const answer = await ask({
      method: 'PUT',
      url: new URL(`/accounts/${inputs.account}/tokens/${prepared.slot}`, inputs.url),
      token: inputs.managingToken ?? '',
      body: { token: prepared.token },
      headers: { 'not-after': String(Date.now() + changeTimeout) },
      timeout: 2 * changeTimeout,
    })
    if (answer === 'unknown token') throw refusedManager()
    await context.at?.('parcels: set')
    return prepared
  },

  candidate: (prepared) => prepared,

  async test(inputs, credential, { timeout, signal }) {
    const url = new URL('/me', inputs.url)
    const answer = await ask({ url, token: credential.token, timeout, signal })
    if (answer === 'unknown token') return 'refused'
    const { account, slot } = answer as Partial<Record<string, unknown>>
    if (account === inputs.account && slot === credential.slot) return 'works'
    throw new RotationFailure('VERIFY_FAILED', `the token of ${credential.slot} belongs to something else`)
  },
}

/** The slot to be written must be there. @throws RotationFailure TARGET_NOT_FOUND */
async function lookAt(inputs: ParcelsInputs, slot: string, context: RotatorContext): Promise<void> {
  const { slots } = (await asManager(inputs, `/accounts/${inputs.account}/tokens`, context)) as {
    slots?: string[]
  }
  if (!slots?.includes(slot))
    throw new RotationFailure('TARGET_NOT_FOUND', `the account has no token ${slot}`)
}

/** @throws RotationFailure LOGIN_FAILED */
async function asManager(
  inputs: ParcelsInputs,
  path: string,
  { timeout, signal }: RotatorContext,
): Promise<unknown> {
  const url = new URL(path, inputs.url)
  const answer = await ask({ url, token: inputs.managingToken ?? '', timeout, signal })
  if (answer === 'unknown token') throw refusedManager()
  return answer
}

function refusedManager(): RotationFailure {
  return new RotationFailure('LOGIN_FAILED', 'the parcel service does not know managingToken; correct it', {
    unchanged: true,
  })
}

/** @throws RotationFailure INPUT_INVALID */
function serviceOf({ url, account }: Partial<ParcelsInputs>): URL {
  const service = URL.parse(url ?? '')
  const isHere = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(service?.hostname ?? '')
  if (!service || !(service.protocol === 'https:' || (service.protocol === 'http:' && isHere)))
    throw new RotationFailure('INPUT_INVALID', 'url must begin with https://, or lead to this machine')
  if (!/^[\w-]{1,64}$/.test(account ?? ''))
    throw new RotationFailure('INPUT_INVALID', 'account must be letters, digits, _ and -')
  return service
}
