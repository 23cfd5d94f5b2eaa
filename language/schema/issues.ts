/** Collects what does not fit a schema, and where: the first thing that anyone sees of a wrong input. */
import { formatPropertyPath, type PropertyPath } from '../../model/property-path.ts'
import type { Diagnostic } from '../diagnostic.ts'
import type { Place } from '../evaluation/session.ts'
import { pathText } from '../syntax/path.ts'

export class Issues {
  readonly diagnostics: Diagnostic[] = []
  readonly #place: Place
  /** Path inside an unknown value, which has no places of its own. */
  readonly #prefix: PropertyPath

  constructor(place: Place, prefix: PropertyPath = []) {
    this.#place = place
    this.#prefix = prefix
  }

  get none(): boolean {
    return this.diagnostics.length === 0
  }

  add(summary: string): void {
    const { range, path } = this.#place
    const words = this.#prefix.length === 0 ? summary : `${formatPropertyPath(this.#prefix)}: ${summary}`
    this.diagnostics.push({
      severity: 'error',
      summary: words,
      path: path ? pathText(path) : '',
      ...(range && { range }),
    })
  }

  take(other: Issues): void {
    for (const diagnostic of other.diagnostics) this.diagnostics.push(diagnostic)
  }

  /** The same place, nothing collected yet: for one branch of a union. */
  branch(): Issues {
    return new Issues(this.#place, this.#prefix)
  }

  /** A part of an unknown value. */
  within(segment: string | number): Issues {
    return new Issues(this.#place, [...this.#prefix, segment])
  }
}
