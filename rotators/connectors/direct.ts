/** The way without a connector: the worker itself connects to the database. */
import { RotationFailure } from '../../model/failures.ts'
import type { Connector, DirectRotator } from './connector.ts'

export function directConnector(rotator: DirectRotator): Connector {
  return {
    prepare: (inputs, state, context) => rotator.prepare(inputs, state, context),
    async rehearse(inputs, state, context) {
      if (!rotator.rehearse) throw new RotationFailure('INTERNAL')
      return await rotator.rehearse(inputs, state, context)
    },
    async apply(inputs, { username, password }, context) {
      await rotator.apply(inputs, { username, password }, context)
    },
    test: (inputs, credential, context) => rotator.test(inputs, credential, context),
    whyRefused: async (inputs, credential, context) =>
      await rotator.whyRefused?.(inputs, credential, context),
  }
}
