/** Spelling suggestions: the nearest of some names to what was written. */

const MAX_LENGTH = 100

/** The candidates, nearest first; those equally near keep their order. */
export function byEditDistance(written: string, candidates: readonly string[]): string[] {
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(fold(written), fold(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate)
}

/** How many comparisons of characters may still be made; what is spent is taken off. */
interface Budget {
  suggestions: number
}

/** The nearest candidate, where it is near enough to be what was meant and the budget lasts. */
export function suggest(written: string, candidates: Iterable<string>, budget: Budget): string | undefined {
  const folded = fold(written)
  let best: string | undefined
  let bestDistance = Math.floor((folded.length + 1) / 2)
  for (const candidate of candidates) {
    budget.suggestions -= 1
    if (budget.suggestions < 0) break
    const other = fold(candidate)
    // each character too many or too few is one to insert or delete
    if (Math.abs(other.length - folded.length) >= bestDistance) continue
    budget.suggestions -= folded.length * other.length
    const distance = editDistance(folded, other)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Without what spelling does not depend on, one character for each byte. */
function fold(name: string): string {
  const folded = name.slice(0, MAX_LENGTH).toLowerCase().replaceAll('_', '')
  return Buffer.from(folded).toString('latin1')
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
