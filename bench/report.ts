/** What was measured, as the table that is printed and as the JSON file; knows nothing of how. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { dirname } from 'node:path'

/** What was measured, the result, and what that is to something else of the same run. */
export type Row = [what: string, result: string, compared?: string]

interface Target {
  name: string
  measured: number
  unit: string
  atMost?: number
  atLeast?: number
  met: boolean
}

const tables: { title: string; rows: Row[] }[] = []
const figures: Record<string, number> = {}
const targets: Target[] = []

export function printRows(title: string, rows: Row[]): void {
  tables.push({ title, rows })
  const widths = [58, 12]
  console.log(`\n${title}`)
  for (const [what, result, compared = ''] of rows)
    console.log(`  ${what.padEnd(widths[0]!)}${result.padStart(widths[1]!)}   ${compared}`.trimEnd())
}

/** A number for whoever compares runs: `rotation.near.ms`. */
export function figure(name: string, value: number): void {
  figures[name] = Number(value.toPrecision(5))
}

export function judge(
  name: string,
  measured: number,
  { unit, ...limit }: { unit: string; atMost?: number; atLeast?: number },
): void {
  const { atMost = Infinity, atLeast = -Infinity } = limit
  const met = measured <= atMost && measured >= atLeast
  targets.push({ name, measured: Number(measured.toPrecision(4)), unit, ...limit, met })
}

export function printTargets(): void {
  printRows(
    'What Rekey is to reach',
    targets.map(({ name, measured, unit, atMost, atLeast, met }) => [
      name,
      `${measured} ${unit}`,
      `${atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`} ${unit}: ${met ? 'met' : 'NOT met'}`,
    ]),
  )
}

export function writeReport(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const machine = { cores: availableParallelism(), node: process.versions.node, load: loadavg()[0] }
  const report = { at: new Date().toISOString(), ...machine, targets, figures, tables }
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
}
