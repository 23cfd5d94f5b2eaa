/** `fn::fromBase64`: the text of a base64 string; bytes that are no UTF-8 become U+FFFD. */
import { decodeBase64 } from '../encoding/base64.ts'
import { BuiltinError, stringBuiltin } from './arguments.ts'

export const fromBase64 = stringBuiltin('fn::fromBase64', (text) => {
  const decoded = decodeBase64(text)
  if (typeof decoded === 'string') throw new BuiltinError(`decoding base64 string: ${decoded}`)
  return decoded.toString()
})
