/** An environment's values as plain JSON, revealed or redacted. */
import { isObjectValue, setEntry, type Value } from '../value.ts'
import { compareKeys } from '../encoding/order.ts'
import type { Environment } from './environment.ts'
import { wireText } from './wire-text.ts'

export const SECRET_TEXT = '[secret]'
export const UNKNOWN_TEXT = '[unknown]'

/**
 * With `redact` every secret, whatever it holds, is the text `[secret]`; what is unknown is `[unknown]` either way.
 * @throws RangeError when the text would be larger than `limits.producedText`, or for a number JSON cannot hold
 */
export function toJSON(environment: Environment | null, options: { redact: boolean }): string {
  if (!environment) return 'null'
  return wireText(plain({ value: environment.properties }, options.redact))
}

function plain(value: Value, redact: boolean): unknown {
  if (redact && value.secret) return SECRET_TEXT
  if (value.unknown) return UNKNOWN_TEXT
  const data = value.value
  if (Array.isArray(data)) return data.map((item) => plain(item, redact))
  if (!isObjectValue(data)) return data
  const properties: Record<string, unknown> = {}
  for (const key of Object.keys(data).sort(compareKeys)) setEntry(properties, key, plain(data[key]!, redact))
  return properties
}
