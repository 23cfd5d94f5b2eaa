/** Which rotate calls each expression reaches, through references within the document. Reads, never evaluates. */
import type { Access, CallExpression, Expression, ObjectExpression } from './expression.ts'

/**
 * For every rotate call, the other calls that its inputs and state reach, in the order of the text. It takes one walk
 * over the document for all of them: what is reached in circles is taken together, and everything else adds up what
 * its parts reach.
 */
export function reachableCalls(
  root: ObjectExpression,
  calls: readonly CallExpression[],
): Map<CallExpression, CallExpression[]> {
  const walk = new Walk(root, calls)
  return new Map(
    calls.map((call) => {
      const reached = new Uint32Array(walk.words)
      for (const part of [call.parts['inputs'], call.parts['state']]) if (part) add(reached, walk.from(part))
      return [call, calls.filter((other, index) => other !== call && has(reached, index))] as const
    }),
  )
}

interface Visit {
  expression: Expression
  next: Expression[]
  /** When it was come by, and the earliest of those still open that it leads back to. */
  order: number
  low: number
}

/** Finds strongly connected parts as Tarjan does, on a stack of its own: chains are as long as they like. */
class Walk {
  readonly words: number
  readonly #root: ObjectExpression
  readonly #numbers: ReadonlyMap<CallExpression, number>
  readonly #reached = new Map<Expression, Uint32Array>()
  readonly #orders = new Map<Expression, number>()
  readonly #open: Expression[] = []

  constructor(root: ObjectExpression, calls: readonly CallExpression[]) {
    this.#root = root
    this.#numbers = new Map(calls.map((call, index) => [call, index]))
    this.words = Math.ceil(calls.length / 32)
  }

  from(start: Expression): Uint32Array {
    if (!this.#reached.has(start)) this.#walk(start)
    return this.#reached.get(start)!
  }

  #walk(start: Expression): void {
    const visits = [this.#visit(start)]
    for (let visit = visits.at(-1); visit; visit = visits.at(-1)) {
      const next = visit.next.pop()
      if (!next) {
        visits.pop()
        if (visit.low === visit.order) this.#close(visit.expression)
        const outer = visits.at(-1)
        if (outer) outer.low = Math.min(outer.low, visit.low)
      } else if (!this.#orders.has(next)) {
        visits.push(this.#visit(next))
      } else if (!this.#reached.has(next)) {
        visit.low = Math.min(visit.low, this.#orders.get(next)!)
      }
    }
  }

  #visit(expression: Expression): Visit {
    const order = this.#orders.size
    this.#orders.set(expression, order)
    this.#open.push(expression)
    return { expression, next: this.#next(expression), order, low: order }
  }

  // everything since the first one leads to it and is led to by it: all of them reach the same
  #close(first: Expression): void {
    const members = this.#open.splice(this.#open.lastIndexOf(first))
    const reached = new Uint32Array(this.words)
    for (const member of members) {
      const number = member.kind === 'call' ? this.#numbers.get(member) : undefined
      if (number !== undefined) reached[number >> 5]! |= 1 << (number & 31)
      for (const next of this.#next(member)) {
        const known = this.#reached.get(next)
        if (known) add(reached, known)
      }
    }
    for (const member of members) this.#reached.set(member, reached)
  }

  #next(expression: Expression): Expression[] {
    const targets = accessesOf(expression).map((access) => referredTo(this.#root, access))
    return [...childrenOf(expression), ...targets.filter((target) => target !== undefined)]
  }
}

function add(to: Uint32Array, from: Uint32Array): void {
  for (let word = 0; word < to.length; word += 1) to[word]! |= from[word]!
}

function has(set: Uint32Array, index: number): boolean {
  return (set[index >> 5]! & (1 << (index & 31))) !== 0
}

function childrenOf(expression: Expression): Expression[] {
  if (expression.kind === 'array') return expression.elements
  if (expression.kind === 'object') return [...expression.properties.values()].map(({ value }) => value)
  return expression.kind === 'call' ? Object.values(expression.parts) : []
}

/** The references that an expression itself is made of. */
export function accessesOf(expression: Expression): Access[] {
  if (expression.kind === 'symbol') return [expression.access]
  if (expression.kind !== 'interpolation') return []
  return expression.parts.flatMap(({ access }) => (access ? [access] : []))
}

/** The expression at which a reference leaves the literals; undefined for other environments and typing errors. */
function referredTo(root: ObjectExpression, access: Access): Expression | undefined {
  const first = access[0]?.key
  if (first === 'imports' || first === 'context' || first === 'environments') return undefined
  let at: Expression | undefined = root
  for (const { key } of access) {
    if (at?.kind === 'object') at = typeof key === 'string' ? at.properties.get(key)?.value : undefined
    else if (at?.kind === 'array') at = typeof key === 'number' ? at.elements[key] : undefined
    else return at
  }
  return at
}
