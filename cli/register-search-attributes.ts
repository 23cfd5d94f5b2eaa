/** `rekey migrate`'s part at Temporal: search attributes, as far as Temporal answers and the account may. Never fails. */
import type { TemporalAccess } from '../client/access.ts'
import { connectTemporal, pingTemporal } from '../client/connect.ts'
import { reasonFor } from '../client/reachability.ts'
import { registerSearchAttributes, type SearchAttributeReport } from '../client/search-attributes.ts'

/** Milliseconds: whoever migrates may have no Temporal yet. */
const PATIENCE = 2_000

/** A text, the reason, when Temporal cannot be used: server and worker do the same at their start. */
export async function registerInTemporal(access: TemporalAccess): Promise<SearchAttributeReport | string> {
  const client = connectTemporal({ address: access.address, namespace: access.namespace, access })
  try {
    await pingTemporal(client, PATIENCE)
    return await registerSearchAttributes(client, PATIENCE)
  } catch (error) {
    return (await reasonFor(error, access)) ?? 'it does not answer'
  } finally {
    await client.connection.close()
  }
}

/** One line for people. */
export function describeRegistration(report: SearchAttributeReport | string): string {
  if (typeof report === 'string')
    return `Temporal cannot be used yet: ${report}; server and worker register the search attributes when they start`
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
