/** `fn::toBase64`: the UTF-8 bytes of a string in base64. */
import { stringBuiltin } from './arguments.ts'

export const toBase64 = stringBuiltin('fn::toBase64', (text) => Buffer.from(text).toString('base64'))
