/** `rekey migrate`'s part at Temporal: search attributes, as far as Temporal answers and the account may. Never fails. */
import { connectTemporal } from '../client/connect.ts'
import { registerSearchAttributes, type SearchAttributeReport } from '../client/search-attributes.ts'
import type { Config } from '../config/index.ts'

/** Milliseconds: whoever migrates may have no Temporal yet. */
const PATIENCE = 2_000

/** Null when Temporal cannot be reached: server and worker do the same at their start. */
export async function registerInTemporal({
  temporalAddress,
  temporalNamespace,
}: Pick<Config, 'temporalAddress' | 'temporalNamespace'>): Promise<SearchAttributeReport | null> {
  const client = connectTemporal({ address: temporalAddress, namespace: temporalNamespace })
  try {
    return await registerSearchAttributes(client, PATIENCE)
  } catch {
    return null
  } finally {
    await client.connection.close()
  }
}

/** One line for people. */
export function describeRegistration(report: SearchAttributeReport | null, temporalAddress: string): string {
  if (!report)
    return `Temporal at ${temporalAddress} does not answer: server and worker register the search attributes when they start`
  const { added, missing } = report
  const [first] = Object.values(missing)
  if (first !== undefined)
    return (
      `Temporal lacks the search attributes ${Object.keys(missing).join(', ')} (${first}): ` +
      'rotations run all the same, and are not found by them; docs/operations/temporal-ui.md tells how to add them'
    )
  return added.length > 0
    ? `Registered the search attributes ${added.join(', ')} in Temporal`
    : 'Temporal has the search attributes already'
}
