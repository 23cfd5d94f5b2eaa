/**
 * A rotator of database users with its input `database.connector`: the same rotator, by whichever way the definition names.
 * Decides the way and nothing else.
 */
import type { DatabaseCredential, DatabaseUserInputs } from '../database/schema.ts'
import { demandUser } from '../database/turns.ts'
import type { Rotator, RotatorContext } from '../rotator.ts'
import { functionArnOf, functionOf } from './aws-lambda.ts'
import { throughFunction } from './aws-lambda/through-function.ts'
import type { Connector, DirectRotator, Engine, PreparedUser } from './connector.ts'
import { directConnector } from './direct.ts'

/** @param rotator asks the database itself */
export function connected(
  rotator: DirectRotator,
  engine: Engine,
): Rotator<DatabaseUserInputs, DatabaseCredential, PreparedUser> {
  const test = (inputs: DatabaseUserInputs, credential: DatabaseCredential, context: RotatorContext) =>
    by(inputs, context, (connector, plain) => connector.test(plain, credential, context))

  async function by<T>(
    inputs: DatabaseUserInputs,
    context: RotatorContext,
    work: (connector: Connector, plain: DatabaseUserInputs) => Promise<T>,
  ): Promise<T> {
    const place = functionOf(inputs)
    if (place === undefined) return await work(directConnector(rotator), inputs)
    const plain = withoutConnector(inputs)
    return await throughFunction(place, engine, context, (connector) => work(connector, plain))
  }

  return {
    ...rotator,

    targets(inputs) {
      // Refused before anything is asked; the login is not known to everybody who asks.
      functionArnOf(inputs)
      return rotator.targets(withoutConnector(inputs))
    },

    open: (inputs, state) => rotator.open(inputs, state),

    prepare: (inputs, state, context) =>
      by(inputs, context, (connector, plain) => connector.prepare(plain, state, context)),

    rehearse: (inputs, state, context) =>
      by(inputs, context, (connector, plain) => connector.rehearse(plain, state, context)),

    async apply(inputs, prepared, context) {
      demandUser(engine.rotateUsers(inputs), prepared.username)
      await by(inputs, context, (connector, plain) => connector.apply(plain, prepared, context))
      return credentialOf(prepared)
    },

    candidate: credentialOf,

    lingers: (prepared) => prepared.lingers ?? 0,

    test,

    whyRefused: (inputs, credential, context) =>
      by(inputs, context, async (connector, plain) => connector.whyRefused?.(plain, credential, context)),

    async recover(inputs, prepared, context) {
      const credential = credentialOf(prepared)
      return (await test(inputs, credential, context)) === 'works' ? { made: credential } : 'not made'
    },
  }
}

function credentialOf({ username, password }: PreparedUser): DatabaseCredential {
  return { username, password }
}

function withoutConnector(inputs: DatabaseUserInputs): DatabaseUserInputs {
  if (inputs.database?.connector === undefined) return inputs
  const { connector: _, ...database } = inputs.database
  return { ...inputs, database }
}
