/** A value as text, as interpolation and `fn::toString` show it. */
import { compareKeys } from '../encoding/order.ts'
import { quote } from '../encoding/quote.ts'
import { JsonNumber } from '../value.ts'
import type { EvaluatedValue } from './evaluated-value.ts'
import type { Session } from './session.ts'

export interface ShownText {
  text: string
  unknown: boolean
  secret: boolean
}

/**
 * Of an object its own keys only: what it inherits is left out. Containers in one another are quoted again and again,
 * which doubles the text at each level: it is counted as it is produced.
 */
export function textOf(value: EvaluatedValue, session: Session): ShownText {
  if (value.unknown) return { text: '[unknown]', unknown: true, secret: value.secret }
  if (!value.array && !value.object) {
    return { text: scalarText(value.repr), unknown: false, secret: value.secret }
  }
  let { secret } = value
  let unknown = false
  let text = ''
  const add = (name: string, item: EvaluatedValue): void => {
    const shown = textOf(item, session)
    secret ||= shown.secret
    unknown ||= shown.unknown
    const part = `${name}${quote(shown.text)}`
    session.spend(1)
    session.produce(part.length)
    text += text === '' ? part : `,${part}`
  }
  if (value.array) for (const item of value.array) add('', item)
  const names = value.object ? [...value.object.keys()].sort(compareKeys) : []
  for (const name of names) add(`${quote(name)}=`, value.object!.get(name)!)
  return { text, unknown, secret }
}

function scalarText(repr: EvaluatedValue['repr']): string {
  if (repr === null) return ''
  if (typeof repr === 'string') return repr
  return repr instanceof JsonNumber ? repr.text : JSON.stringify(repr)
}
