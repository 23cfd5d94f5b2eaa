/** The notes of each login, by its name. Nothing but the list. */
import { awsLoginNotes } from './aws-login.ts'
import type { LoginNotes } from './notes.ts'

export const LOGIN_NOTES: Readonly<Record<string, LoginNotes>> = {
  'aws-login': awsLoginNotes,
}
