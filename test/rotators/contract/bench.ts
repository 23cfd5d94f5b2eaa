/** What the cases of the contract suite work with: fixtures that are cleared away, and failures that are searched for secrets. */
import { inspect } from 'node:util'
import { afterEach, expect } from 'vitest'
import { RotationFailure, isFailureCode } from '../../../model/failures.ts'
import type { FailureCode } from '../../../model/failures.ts'
import { WriteDownFirst } from '../../../rotators/rotator.ts'
import type { Rotator, RotatorContext, RotatorState } from '../../../rotators/rotator.ts'
import { startProxy } from '../../support/proxy.ts'
import type { Proxy } from '../../support/proxy.ts'

export interface Address {
  host: string
  port: number
}

/** One target of its own, with nothing rotated yet. */
export interface Fixture<Inputs, Credential, Prepared> {
  inputs: Inputs
  /** Where the target listens, for a proxy in front of it. */
  address: Address
  /** The same inputs by way of another address. */
  via(address: Address): Inputs
  /** The same inputs with a managing login that the target does not know. */
  wrongManager: Inputs
  /** The same inputs with a managing login that is valid and may change nothing. */
  powerless: Inputs
  /** Logs in without the rotator. */
  logsIn(credential: Credential): Promise<boolean>
  /** All that the target holds about what is rotated and who manages it, hashes included. */
  snapshot(): Promise<unknown>
  /** Makes this credential stop working, the way somebody at the target would. */
  changeByHand(credential: Credential): Promise<void>
  /** Makes the target keep every change to this slot waiting, until the answer is called. Where the value is ours. */
  block?(credential: Credential): Promise<() => Promise<void>>
  /** What `prepare` could have made, and the target's own policy refuses from now on. Where the value is ours. */
  refusedValue?(prepared: Prepared): Promise<Prepared>
  /** Passwords in the inputs; they must never be in anything thrown. */
  secrets: string[]
  dispose(): Promise<void>
}

export interface Subject<Inputs, Credential, Prepared> {
  rotator: Rotator<Inputs, Credential, Prepared>
  setup(): Promise<Fixture<Inputs, Credential, Prepared>>
  /** True where nothing but a change itself shows whether the managing login may change anything, or would have to wait. */
  blind?: true
  /** Milliseconds for which a change of this suite goes on where it is carried out when whoever sent it is gone. */
  carriesOn?: number
  /** Milliseconds after which a request that was held back is refused on its way, where its own deadline does not go along. */
  expires?: number
  /** The part of a credential that is secret. */
  secretOf(credential: Credential): string
}

export const NOTHING_YET = { current: null, previous: null }

export function limits(changes: Partial<RotatorContext> = {}): RotatorContext {
  const usual = { signal: new AbortController().signal, changeTimeout: 10_000, timeout: 10_000 }
  return { ...usual, sendBy: Date.now() + 10_000, ...changes }
}

/** The failure that it ends in. The test fails when it ends well, in anything else, or in words that hold a secret. */
export async function failureOf(
  work: Promise<unknown>,
  codes: FailureCode | FailureCode[],
  secrets: string[] = [],
): Promise<RotationFailure> {
  const error = await work.then(
    (value) => expect.unreachable(`should have failed, and gave ${typeof value}`),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RotationFailure)
  const failure = error as RotationFailure
  expect(isFailureCode(failure.code)).toBe(true)
  expect([codes].flat(), failure.message).toContain(failure.code)
  expect(failure.message).toMatch(/\w+ \w+/)
  // All of it: causes, stacks and hidden properties too.
  const text = inspect(failure, { depth: 10, showHidden: true })
  for (const secret of secrets) expect(text.includes(secret), `a secret in: ${failure.message}`).toBe(false)
  return failure
}

/** Applies, and whatever is to be written down first is, in a form that can be stored. */
export async function applied<I, C, P>(
  rotator: Rotator<I, C, P>,
  inputs: I,
  prepared: P,
  writeDown: (instead: P) => void = () => {},
): Promise<C> {
  try {
    return await rotator.apply(inputs, prepared, limits())
  } catch (error) {
    if (!(error instanceof WriteDownFirst)) throw error
    const instead = JSON.parse(JSON.stringify(error.prepared)) as P
    expect(instead, 'something else').not.toEqual(prepared)
    writeDown(instead)
    return await applied(rotator, inputs, instead, writeDown)
  }
}

export interface Bench<Inputs, Credential, Prepared> extends Subject<Inputs, Credential, Prepared> {
  fixture(): Promise<Fixture<Inputs, Credential, Prepared>>
  proxyTo(address: Address): Promise<Proxy>
  /** Runs when the test has ended, whichever way. */
  after(undo: () => Promise<void>): void
  /** One rotation as the frame does it. */
  rotate(
    inputs: Inputs,
    state: RotatorState<Credential>,
  ): Promise<RotatorState<Credential> & { current: Credential }>
}

export function bench<I, C, P>(subject: Subject<I, C, P>): Bench<I, C, P> {
  const { rotator } = subject
  const undos: (() => Promise<void>)[] = []
  const proxies: (() => Promise<void>)[] = []
  afterEach(async () => {
    // Connections first: what hangs in a log-in would keep the target from clearing away.
    for (const undo of [...proxies.splice(0), ...undos.splice(0).reverse()]) await undo()
  })
  return {
    ...subject,
    after: (undo) => void undos.push(undo),
    async fixture() {
      const made = await subject.setup()
      undos.push(() => made.dispose())
      return made
    },
    async proxyTo(address) {
      const proxy = await startProxy(address)
      proxies.push(() => proxy.close())
      return proxy
    },
    async rotate(inputs, state) {
      const prepared = await rotator.prepare(inputs, state, limits())
      const current = await applied(rotator, inputs, prepared)
      expect(await rotator.test(inputs, current, limits())).toBe('works')
      return { current, previous: rotator.slots === 2 ? state.current : null }
    },
  }
}
