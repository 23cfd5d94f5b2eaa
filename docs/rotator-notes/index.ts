/** The notes of each rotator, by its name. Nothing but the list. */
import { awsIamNotes } from './aws-iam.ts'
import { mysqlNotes } from './mysql.ts'
import type { RotatorNotes } from './notes.ts'
import { passphraseNotes } from './passphrase.ts'
import { passwordNotes } from './password.ts'
import { postgresNotes } from './postgres.ts'

export const ROTATOR_NOTES: Readonly<Record<string, RotatorNotes>> = {
  'aws-iam': awsIamNotes,
  mysql: mysqlNotes,
  passphrase: passphraseNotes,
  password: passwordNotes,
  postgres: postgresNotes,
}
