/** Every place at which code that rotates can be killed; the source is read, so that none is forgotten. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDERS = ['activities', 'rotators']
const CALL = /\bat(?:\?\.)?\(\s*'([^']+)'\s*\)/g

/** Names of points, those of actions by hand (`by hand: `) left out: they have a test of their own. */
export function pointsInSource(): string[] {
  const points = FOLDERS.flatMap((folder) => {
    const root = fileURLToPath(new URL(`../../${folder}/`, import.meta.url))
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )
    return files.flatMap((name) =>
      [...readFileSync(join(root, name), 'utf8').matchAll(CALL)].map((match) => match[1]!),
    )
  })
  return [...new Set(points)].filter((point) => !point.startsWith('by hand: ')).sort()
}
