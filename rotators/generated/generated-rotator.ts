/**
 * What the rotators have in common whose credential nothing outside Rekey knows: a text that Rekey makes up itself. They
 * ask nobody and change nothing anywhere; which text may be made is up to each.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { JSONSchema } from '../../model/json-schema.ts'
import type { Rotator, RotatorContext } from '../rotator.ts'

interface Generator<Inputs> {
  name: string
  title: string
  /** What one value is called in words: `password`. */
  noun: string
  inputs: JSONSchema
  /** @throws RotationFailure INPUT_INVALID where no value can be made, or what is needed is not known yet */
  check(inputs: Partial<Inputs>): unknown
  /** Bits of entropy of each value. @throws RotationFailure INPUT_INVALID */
  bits(inputs: Inputs): number
  /** A new value, each that the inputs allow as likely as any other. @throws RotationFailure INPUT_INVALID */
  generate(inputs: Inputs): string
}

/** Fewer can be guessed by whoever has got hold of something to try guesses at. */
const ENOUGH_BITS = 64

export function generatedRotator<Inputs>({
  name,
  title,
  noun,
  inputs,
  check,
  bits,
  generate,
}: Generator<Inputs>): Rotator<Inputs, string, string> {
  const state = stateOf(noun)
  return {
    name,
    title,
    slots: 2,
    repeatable: true,
    madeByTarget: false,
    withoutTarget: true,
    inputs,
    state,
    outputs: state,
    permissions: [],

    targets(given) {
      check(given)
      return []
    },

    // The value itself is all there is to tell one from another, and that is secret.
    identity: () => `the ${noun}`,

    open(_inputs, { current, previous }) {
      if (current === null) throw new RotationFailure('STATE_INVALID', 'not rotated yet')
      return previous === null ? { current } : { current, previous }
    },

    async prepare(given, _state, context) {
      goOn(context)
      return generate(given)
    },

    async rehearse(given, _state, context) {
      goOn(context)
      const entropy = Math.floor(bits(given))
      const weak = `each ${noun} is one of 2^${entropy} only: make it longer where guesses can be tried fast`
      return {
        writes: `a new ${noun}, one of 2^${entropy}`,
        first: [],
        warnings: entropy < ENOUGH_BITS ? [weak] : [],
      }
    },

    async apply(_inputs, prepared, context) {
      goOn(context)
      return prepared
    },

    candidate: (prepared) => prepared,

    // There is nobody who could refuse it.
    test: async () => 'works',

    recover: async (_inputs, prepared) => ({ made: prepared }),
  }
}

/** @throws RotationFailure CANCELLED */
function goOn({ signal }: RotatorContext): void {
  if (signal.aborted) throw new RotationFailure('CANCELLED')
}

function stateOf(noun: string): JSONSchema {
  const value = (description: string): JSONSchema => ({ type: 'string', secret: true, description })
  return {
    type: 'object',
    properties: {
      current: value(`The newest ${noun}.`),
      previous: value('The one before; absent until there were two.'),
    },
    required: ['current'],
  }
}
