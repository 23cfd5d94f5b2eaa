/** A rotator as the language calls it: opens what was rotated before, and never rotates. */
import { fromPlain, toPlain, type RotateFunction } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import { slotsOf } from './state.ts'

export function adaptRotator(
  rotator: AnyRotator,
  { withoutState }: { withoutState: 'error' | 'unknown' },
): RotateFunction {
  return {
    schema: () => ({ inputs: rotator.inputs, state: rotator.state, outputs: rotator.outputs }),
    open: async (inputs, state) => {
      if (state === null && withoutState === 'unknown') return { value: null, unknown: true }
      if (state === null) throw new Error('not rotated yet: rotate this environment first, then open it')
      try {
        return fromPlain(rotator.open(toPlain(inputs) as object, slotsOf(toPlain(state))), rotator.outputs)
      } catch (error) {
        if (error instanceof RotationFailure) throw new Error(error.message)
        throw new Error(`the rotator "${rotator.name}" could not read its state`)
      }
    },
    // Rotations are driven by the journal, one by one; an evaluation that rotated would leave no trace of it.
    rotate: () => Promise.reject(new Error('nothing is rotated while a definition is evaluated')),
  }
}
