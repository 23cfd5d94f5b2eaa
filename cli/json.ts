/** JSON that keeps numbers as they were written: definitions may hold more digits than a double does. */

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
// Newer than the type library of ES2024; every Node.js that Rekey runs on has both.
const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { rawJSON: string }
}

/** Undefined when the text is no JSON. Numbers that a double would change become raw JSON. */
export function parseJson(text: string): unknown {
  try {
    return json.parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && String(value) !== source
        ? json.rawJSON(source)
        : value,
    )
  } catch {
    return undefined
  }
}

export function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

/** The digits of a number that `parseJson` kept as they were; undefined for anything else. */
export function rawNumber(value: unknown): string | undefined {
  return json.isRawJSON(value) ? value.rawJSON : undefined
}
