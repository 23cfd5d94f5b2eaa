/** What the contract suite works with, by way of a connector function in front of the same database. */
import { findRotator } from '../../../rotators/index.ts'
import type { PreparedUser } from '../../../rotators/connectors/connector.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import type { Rotator } from '../../../rotators/rotator.ts'
import { connectorTarget, type ConnectorKind, type ConnectorTarget } from '../../support/lambda/target.ts'
import type { Fixture } from '../contract/bench.ts'

export type DatabaseFixture = Fixture<DatabaseUserInputs, DatabaseCredential, PreparedUser>

export function connectedRotator(
  name: string,
): Rotator<DatabaseUserInputs, DatabaseCredential, PreparedUser> {
  return findRotator(name)!
}

/** One function of each kind for all tests of a file, as it is in a network: starting one takes longer than most tests. */
const functions = new Map<ConnectorKind, Promise<ConnectorTarget>>()

export async function connectedFixture(
  kind: ConnectorKind,
  direct: DatabaseFixture,
): Promise<DatabaseFixture> {
  const made = functions.get(kind) ?? connectorTarget(kind)
  functions.set(kind, made)
  const { through, address, login } = await made
  return {
    ...direct,
    inputs: through(direct.inputs),
    address,
    via: (other) => through(direct.inputs, other),
    wrongManager: through(direct.wrongManager),
    powerless: through(direct.powerless),
    secrets: [...direct.secrets, login.secretAccessKey],
  }
}
