/** The four levels of access to an environment, each including the one before. */
export const LEVELS = ['read', 'open', 'write', 'admin'] as const

/** `read`: see it, secrets sealed. `open`: evaluate and decrypt. `write`: edit, rotate, schedule. `admin`: delete, share. */
export type Level = (typeof LEVELS)[number]

/** True when somebody with `level` (null: none) may do what needs `needed`. */
export function allows(level: Level | null, needed: Level): boolean {
  return level !== null && LEVELS.indexOf(level) >= LEVELS.indexOf(needed)
}

/** The highest of them; null of none. */
export function highestLevel(levels: readonly Level[]): Level | null {
  return LEVELS.findLast((level) => levels.includes(level)) ?? null
}

export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text)
}
