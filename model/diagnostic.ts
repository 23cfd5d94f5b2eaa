/** What is wrong with a definition, and where. The same shape in the language, in refusals and on the wire. */
export interface Diagnostic {
  severity: 'error' | 'warning'
  summary: string
  /** Path inside the document, `values.db.creds`; empty where there is none. */
  path: string
  range?: Range
}

export interface Range {
  environment?: string
  begin: Position
  end: Position
}

/** Line and column count from 1, the byte from 0. */
export interface Position {
  line: number
  column: number
  byte: number
}
