/** The same for many, several at a time: what they ask the store is then asked together. Order and failures are as one after another. */

/** More would not be faster, and would hold more in memory. */
const WIDTH = 25

/** What `work` gives for each, in their order. Rejects with the first failure, when those under way have ended. */
export async function sideBySide<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += WIDTH) {
    const ended = await Promise.allSettled(items.slice(at, at + WIDTH).map(work))
    for (const one of ended) {
      if (one.status === 'rejected') throw one.reason
      results.push(one.value)
    }
  }
  return results
}
