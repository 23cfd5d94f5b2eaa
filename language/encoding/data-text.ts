/** Plain data as JSON text, numbers with their own digits. */
import { jsonNumberText } from './json-number.ts'
import { htmlSafe } from './html-safe.ts'
import { compareKeys } from './order.ts'
import { JsonNumber } from '../value.ts'

/** JSON of plain data that may hold `JsonNumber`s; keys in order, `<`, `>` and `&` escaped. */
export function dataText(data: unknown): string {
  if (data instanceof JsonNumber) return jsonNumberText(data)
  if (Array.isArray(data)) return `[${data.map(dataText).join(',')}]`
  if (typeof data !== 'object' || data === null) return htmlSafe(JSON.stringify(data) ?? 'null')
  const entries = Object.entries(data).filter(([, value]) => value !== undefined)
  entries.sort(([a], [b]) => compareKeys(a, b))
  return `{${entries.map(([key, value]) => `${htmlSafe(JSON.stringify(key))}:${dataText(value)}`).join(',')}}`
}
