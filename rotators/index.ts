/** The registry of rotators: one line each. Nothing but the list. */
import { awsIam } from './aws-iam.ts'
import { connected } from './connectors/connected.ts'
import { mysql } from './mysql.ts'
import { MYSQL_ENGINE } from './mysql/engine.ts'
import { passphrase } from './passphrase.ts'
import { password } from './password.ts'
import { postgres } from './postgres.ts'
import { POSTGRES_ENGINE } from './postgres/engine.ts'
import type { AnyRotator } from './rotator.ts'

const ROTATORS: AnyRotator[] = [
  awsIam,
  connected(mysql, MYSQL_ENGINE),
  passphrase,
  password,
  connected(postgres, POSTGRES_ENGINE),
]

const byName = new Map(ROTATORS.map((rotator) => [rotator.name, rotator]))

export function rotatorNames(): string[] {
  return [...byName.keys()].sort()
}

export function findRotator(name: string): AnyRotator | undefined {
  return byName.get(name)
}
