/** For programs that get an environment of their own: where Node.js keeps what it has compiled, which halves their start. */
const { NODE_COMPILE_CACHE } = process.env

export const COMPILE_CACHE: Record<string, string> =
  NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
