/** Spelling suggestions: the nearest of some names to what was written. */

const MAX_CANDIDATES = 1000
const MAX_LENGTH = 100

/** The candidates, nearest first; those equally near keep their order. */
export function byEditDistance(written: string, candidates: readonly string[]): string[] {
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(fold(written), fold(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate)
}

/** The nearest candidate, where it is near enough to be what was meant. */
export function suggest(written: string, candidates: Iterable<string>): string | undefined {
  const folded = fold(written)
  let best: string | undefined
  let bestDistance = Math.floor((written.length + 1) / 2)
  let seen = 0
  for (const candidate of candidates) {
    seen += 1
    if (seen > MAX_CANDIDATES) break
    const distance = editDistance(folded, fold(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function fold(name: string): string {
  return name.slice(0, MAX_LENGTH).toLowerCase().replaceAll('_', '')
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
