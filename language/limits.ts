/** How much one definition may ask for. Each limit, when exceeded, is one diagnostic, never a crash. */

export const limits = {
  /** UTF-8 bytes of one definition. */
  textBytes: 1024 * 1024,
  /** Collections inside one another, in a definition and in a value that references build up. */
  nesting: 100,
  /** Values that one definition declares, and that one value holds; what calls are given by name does not count. */
  values: 10_000,
  /** Keys and list items of one text, those of calls included: what is more than this is not even parsed. */
  entries: 40_000,
  /** Lexical tokens of one text, comments and line ends included. */
  tokens: 400_000,
  /** Diagnostics of one text, and of one evaluation; the last one then says that there are more. */
  diagnostics: 1000,
  /** Distinct environments that one evaluation may load. */
  environments: 128,
  /** Values that lie over one another, through imports of imports and references to them. */
  layers: 256,
  /** Values that one export follows into what they override; beyond, traces leave that out. */
  traced: 200_000,
  /** UTF-16 units of text that interpolation and the builtins of one evaluation produce. */
  producedText: 64 * 1024 * 1024,
  /** Expressions, references and values that one evaluation visits. */
  steps: 1_000_000,
  /** Environments that are loaded, and calls that are opened, at the same time. */
  concurrency: 32,
} as const

/** What the last diagnostic says where there are too many. */
export const MORE_DIAGNOSTICS = `only the first ${limits.diagnostics} problems are shown`
