/** What the contract suite works with, by way of a connector function in front of the same database. */
import { findRotator } from '../../../rotators/index.ts'
import type { PreparedUser } from '../../../rotators/connectors/connector.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import type { Rotator } from '../../../rotators/rotator.ts'
import { connectorTarget, type ConnectorKind } from '../../support/lambda/target.ts'
import type { Fixture } from '../contract/bench.ts'

export type DatabaseFixture = Fixture<DatabaseUserInputs, DatabaseCredential, PreparedUser>

export function connectedRotator(
  name: string,
): Rotator<DatabaseUserInputs, DatabaseCredential, PreparedUser> {
  return findRotator(name)!
}

export async function connectedFixture(
  kind: ConnectorKind,
  direct: DatabaseFixture,
): Promise<DatabaseFixture> {
  const { through, address, login } = await connectorTarget(kind)
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
