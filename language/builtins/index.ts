/** The registry of builtins: one line per file. */
import type { Builtin } from './builtin.ts'
import { concat } from './concat.ts'
import { final } from './final.ts'
import { fromBase64 } from './from-base64.ts'
import { fromJson } from './from-json.ts'
import { join } from './join.ts'
import { open } from './open.ts'
import { rotate } from './rotate.ts'
import { secret } from './secret.ts'
import { split } from './split.ts'
import { toBase64 } from './to-base64.ts'
import { toJson } from './to-json.ts'
import { toString } from './to-string.ts'
import { validate } from './validate.ts'

const BUILTINS: readonly Builtin[] = [
  concat,
  final,
  fromBase64,
  fromJson,
  join,
  open,
  rotate,
  secret,
  split,
  toBase64,
  toJson,
  toString,
  validate,
]

const BY_NAME = new Map(BUILTINS.map((builtin) => [builtin.name, builtin]))

/** The builtin that a key calls; `fn::open::<provider>` and `fn::rotate::<rotator>` included. Case counts. */
export function findBuiltin(key: string): Builtin | undefined {
  return (
    BY_NAME.get(key) ?? BUILTINS.find((builtin) => builtin.shortForm && key.startsWith(`${builtin.name}::`))
  )
}
