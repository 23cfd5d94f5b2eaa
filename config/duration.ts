/** Reads and writes durations such as `90s` and `7d`; knows no variable. */

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
// Timers and PostgreSQL intervals both hold ten years with room to spare; more is a typing error.
const LONGEST = 3_650 * UNITS.d

/** Milliseconds; undefined when the text is no whole number followed by `s`, `m`, `h` or `d`, or over ten years. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (!digits || !unit) return undefined
  const duration = Number(digits) * UNITS[unit as keyof typeof UNITS]
  return duration <= LONGEST ? duration : undefined
}

/** The shortest text that `parseDuration` reads back as the same whole number of seconds. */
export function formatDuration(milliseconds: number): string {
  const unit =
    (['d', 'h', 'm'] as const).find((u) => milliseconds > 0 && milliseconds % UNITS[u] === 0) ?? 's'
  return `${milliseconds / UNITS[unit]}${unit}`
}
