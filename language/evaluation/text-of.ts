/** A value as text, as interpolation and `fn::toString` show it. */
import { compareKeys } from '../encoding/order.ts'
import { quote } from '../encoding/quote.ts'
import { JsonNumber } from '../value.ts'
import type { EvaluatedValue } from './evaluated-value.ts'

export interface ShownText {
  text: string
  unknown: boolean
  secret: boolean
}

/** Of an object its own keys only: what it inherits is left out. */
export function textOf(value: EvaluatedValue): ShownText {
  if (value.unknown) return { text: '[unknown]', unknown: true, secret: value.secret }
  if (value.array) {
    const items = value.array.map(textOf)
    return combine(value, items, items.map((item) => quote(item.text)).join(','))
  }
  if (value.object) {
    const names = [...value.object.keys()].sort(compareKeys)
    const items = names.map((name) => textOf(value.object!.get(name)!))
    const pairs = names.map((name, index) => `${quote(name)}=${quote(items[index]!.text)}`)
    return combine(value, items, pairs.join(','))
  }
  return { text: scalarText(value.repr), unknown: false, secret: value.secret }
}

function scalarText(repr: EvaluatedValue['repr']): string {
  if (repr === null) return ''
  if (typeof repr === 'string') return repr
  return repr instanceof JsonNumber ? repr.text : JSON.stringify(repr)
}

function combine(value: EvaluatedValue, items: ShownText[], text: string): ShownText {
  const unknown = items.some((item) => item.unknown)
  return { text, unknown, secret: value.secret || items.some((item) => item.secret) }
}
