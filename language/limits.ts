/** How much one definition may ask for. Each limit, when exceeded, is one diagnostic, never a crash. */

export const limits = {
  /** UTF-8 bytes of one definition. */
  textBytes: 1024 * 1024,
  /** Collections inside one another, in a definition and in a value that references build up. */
  nesting: 100,
  /** Distinct environments that one evaluation may load. */
  environments: 128,
  /** Values that lie over one another, through imports of imports and references to them. */
  layers: 256,
  /** Nodes of one value, containers and inherited ones included. */
  values: 100_000,
  /** Values that one export follows into what they override; beyond, traces leave that out. */
  traced: 200_000,
  /** UTF-16 units of text that interpolation and the builtins of one evaluation produce. */
  producedText: 64 * 1024 * 1024,
  /** Expressions and references that one evaluation visits. */
  steps: 5_000_000,
} as const
