/** Processor time and memory of a process and all that it started, as Linux tells; zero where there is no /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of /proc on every Linux that Node.js runs on. */
const TICKS = 100

/** Milliseconds of processor time so far, user and system, of each process with its children, living or ended. */
export function processorTime<Name extends string>(
  processes: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const all = readAll()
  return each(processes, (pid) =>
    sum(family(all, pid), ({ ticks, childTicks }) => ((ticks + childTicks) * 1000) / TICKS),
  )
}

/** Bytes in memory that are not shared with another process, or this process's part of what is. */
export function memory<Name extends string>(processes: Readonly<Record<Name, number>>): Record<Name, number> {
  const all = readAll()
  return each(processes, (pid) => sum(family(all, pid), ({ pid: member }) => proportionalSize(member)))
}

export function less<Name extends string>(
  after: Record<Name, number>,
  before: Record<Name, number>,
): Record<Name, number> {
  return each(after, (value, name) => value - before[name])
}

interface Process {
  pid: number
  parent: number
  ticks: number
  /** Of children that have ended and were waited for. */
  childTicks: number
}

function readAll(): Process[] {
  return list('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const text = read(`/proc/${name}/stat`)
    // The program's name stands in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (fields.length < 15) return []
    const at = (number: number) => Number(fields[number - 3])
    return [{ pid: Number(name), parent: at(4), ticks: at(14) + at(15), childTicks: at(16) + at(17) }]
  })
}

function family(all: Process[], pid: number): Process[] {
  const own = all.filter((process) => process.pid === pid)
  return [...own, ...all.filter(({ parent }) => parent === pid).flatMap((child) => family(all, child.pid))]
}

function proportionalSize(pid: number): number {
  const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`)) ?? []
  return Number(kilobytes ?? 0) * 1024
}

function each<Name extends string, From>(
  record: Readonly<Record<Name, From>>,
  value: (from: From, name: Name) => number,
): Record<Name, number> {
  const entries = (Object.entries(record) as [Name, From][]).map(([name, from]) => [name, value(from, name)])
  return Object.fromEntries(entries) as Record<Name, number>
}

function sum<T>(items: T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
