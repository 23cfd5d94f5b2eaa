/** The parameters that many routes share, as schemas and as values. Queries stay texts: a number is read here. */
import { Type } from 'typebox'

export const Organization = Type.Object({ org: Type.String() })
export const EnvironmentPath = Type.Object({
  org: Type.String(),
  project: Type.String(),
  name: Type.String(),
})
export const RevisionPath = Type.Object({ ...EnvironmentPath.properties, version: Type.String() })

/** A whole number that is not negative. */
export const WholeNumber = Type.String({ pattern: '^[0-9]{1,9}$' })

/** How many items a page may have. */
export const LARGEST_PAGE = 500

export function readCount(text: string | undefined, fallback = LARGEST_PAGE): number {
  const count = text === undefined ? fallback : Number(text)
  return count === 0 ? fallback : Math.min(count, LARGEST_PAGE)
}

/** Where the routes of one environment live. */
export const ENVIRONMENT = '/api/esc/environments/:org/:project/:name'
