/** Makes somebody an administrator, straight in the store: the first one of a new store, or one who lost every token. */
import { checkOrganizationName } from '../model/environment-name.ts'
import type { Secret } from '../model/secret.ts'
import { appendAudit } from '../store/audit.ts'
import { connectDatabase } from '../store/database.ts'
import { giveGrant } from '../store/grants.ts'
import { createToken } from '../store/tokens.ts'
import { inTransaction } from '../store/transaction.ts'
import { addMember, ensureOrganization, ensureUser } from '../store/users.ts'
import { inWordsOfStore } from './store-errors.ts'

/** A new access token of theirs. May be called again. @throws Refusal, Failure in words for the operator */
export async function appointAdministrator(
  databaseUrl: string,
  { login, organization }: { login: string; organization: string },
): Promise<Secret<string>> {
  checkOrganizationName(organization)
  const db = connectDatabase(databaseUrl)
  try {
    return await inWordsOfStore(
      inTransaction(db, async (transaction) => {
        await ensureOrganization(transaction, organization)
        await ensureUser(transaction, { login })
        await addMember(transaction, organization, login)
        const grant = { scope: { organization }, login, level: 'admin', grantedBy: 'rekey admin' } as const
        await giveGrant(transaction, grant)
        const { token, id } = await createToken(transaction, { login, name: 'rekey admin' })
        await appendAudit(transaction, {
          actor: 'system',
          action: 'administrator.appoint',
          organization,
          details: { login, token: id },
        })
        return token
      }),
    )
  } finally {
    await db.destroy()
  }
}
