/** What the test of an example needs of the place where it rotates. */
export interface ExampleTarget {
  /** The text of a definition, pointed at this target and changed in nothing else. */
  point(text: string): string
  /** Whether a credential, as the environment yields it, is let in; undefined when it is of another kind. */
  logsIn(credential: unknown): Promise<boolean | undefined>
  dispose(): Promise<void>
}
