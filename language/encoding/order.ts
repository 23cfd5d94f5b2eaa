/** The order of keys: that of their UTF-8 bytes, which is not quite the order of JavaScript strings. */

export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  if (at === length) return a.length - b.length
  return weight(a.charCodeAt(at)) - weight(b.charCodeAt(at))
}

// surrogates stand for code points above all others
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
