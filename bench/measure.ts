/** Times, medians and how they are written; knows nothing of what is measured. */
import { performance } from 'node:perf_hooks'

/** Milliseconds that the work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Of `count` runs, one after another. */
export async function series(count: number, work: (run: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let run = 0; run < count; run += 1) times.push(await timed(() => work(run)))
  return times
}

export function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  if (low === undefined || high === undefined) throw new Error('there is no median of nothing')
  return (low + high) / 2
}

export function milliseconds(time: number): string {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`
}

export function seconds(time: number): string {
  return `${(time / 1000).toFixed(2)} s`
}

export function microseconds(time: number): string {
  return `${(time * 1000).toFixed(0)} µs`
}

export function ratio(part: number, whole: number): string {
  return `${(part / whole).toFixed(2)} ×`
}
