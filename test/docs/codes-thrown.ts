/** The failure codes that the source of a rotator or a login names anywhere, with everything of `rotators/` that it imports. */
import { readFileSync } from 'node:fs'
import { CODES_OF_REKEY } from '../../docs/failure-tables.ts'
import { FAILURES, type FailureCode } from '../../model/failures.ts'
import { importsOf } from '../support/source-rules.ts'

const ROOT = new URL('../../', import.meta.url)

/** Sorted; without those that come from Rekey itself. @param path from the root: `rotators/postgres.ts` */
export function codesThrownBy(path: string): FailureCode[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(new URL(file, ROOT), 'utf8')
    for (const [, code] of text.matchAll(/'([A-Z_]+)'/g)) found.add(code!)
    for (const { to, typeOnly } of importsOf({ path: file, text }))
      if (!typeOnly && to.startsWith('rotators/')) visit(to)
  }
  visit(path)
  const codes = Object.keys(FAILURES) as FailureCode[]
  return codes.filter((code) => found.has(code) && !CODES_OF_REKEY.includes(code)).sort()
}
