/** What the language reports about a definition: never holds a secret's text, only where and what is wrong. */

/** 1-based line and column (in code points), 0-based byte in the UTF-8 text. All zero when there is no source. */
export interface Position {
  line: number
  column: number
  byte: number
}

export interface Range {
  /** The environment whose text this is, as it was named to `load`. */
  environment?: string
  begin: Position
  end: Position
}

export interface Diagnostic {
  severity: 'error' | 'warning'
  summary: string
  /** Path of the offending node from the document's root, e.g. `values.db["a-b"][0]`; '' when it has none. */
  path: string
  range?: Range
}

export const NO_POSITION: Position = Object.freeze({ line: 0, column: 0, byte: 0 })

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error')
}

/** The words of whatever a host rejected with; anything but an `Error` is shown as text. */
export function reasonOf(rejection: unknown): string {
  return rejection instanceof Error ? rejection.message : String(rejection)
}
