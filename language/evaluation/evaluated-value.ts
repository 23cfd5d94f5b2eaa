/**
 * A value while it is being worked with: its definition, its schema, its flags and the imported value it lies over.
 * Immutable, so that references can share it; what an object inherits is found through `keys` and `property` only.
 */
import type { Schema } from '../../model/json-schema.ts'
import { compareKeys } from '../encoding/order.ts'
import { limits } from '../limits.ts'
import { constant, mergedSchema, NULL_SCHEMA, propertySchema, record, tuple } from '../schema/schemas.ts'
import { JsonNumber } from '../value.ts'
import type { Definition } from './definition.ts'
import type { Place } from './session.ts'
import { AccessDefinition } from './definition.ts'

export type Representation =
  null | boolean | JsonNumber | string | readonly EvaluatedValue[] | ReadonlyMap<string, EvaluatedValue>

const NO_PROPERTIES: ReadonlyMap<string, EvaluatedValue> = new Map()

interface Properties {
  def: Definition
  repr?: Representation
  base?: EvaluatedValue | undefined
  /** Its own schema, the base's not included. */
  schema?: Schema | undefined
  unknown?: boolean
  secret?: boolean
  final?: boolean
  rotateOnly?: boolean
  before?: EvaluatedValue
}

/** What is worked out when somebody asks; the same for a value and for all that merely refer to it. */
interface Derived {
  schema?: Schema
  keys?: readonly string[]
  properties?: ReadonlyMap<string, EvaluatedValue>
  nested?: Nested
}

/** What belongs to one value alone. */
interface Own {
  /** Properties of something unknown, each the same one each time. */
  late?: Map<string, EvaluatedValue>
  lastOver?: {
    base: EvaluatedValue
    isCopy: boolean
    replaced: EvaluatedValue | undefined
    result: EvaluatedValue
  }
}

interface Nested {
  unknown: boolean
  secret: boolean
  observable: boolean
  size: number
}

// most values are single ones: they share what there is to know of them
const KNOWN: Nested = Object.freeze({ unknown: false, secret: false, observable: false, size: 1 })
const KNOWN_SECRET: Nested = Object.freeze({ ...KNOWN, secret: true })

export class EvaluatedValue {
  readonly def: Definition
  readonly repr: Representation
  readonly base: EvaluatedValue | undefined
  readonly unknown: boolean
  readonly secret: boolean
  readonly final: boolean
  readonly rotateOnly: boolean
  /** Containers inside one another, this one and inherited ones included. */
  readonly depth: number
  /** How many values lie beneath this one. */
  readonly bases: number
  /** True when it lies over something unknown, whose properties it may have inherited. */
  readonly overUnknown: boolean
  /** What it was before it was laid over its base, where an export goes on showing just that. */
  readonly before: EvaluatedValue | undefined
  /** True when `before` is here or anywhere inside. */
  readonly holdsBefore: boolean
  readonly #ownSchema: Schema | undefined
  #shared: Derived | undefined
  #own: Own | undefined

  constructor({ def, repr = null, base, schema, unknown, secret, final, rotateOnly, before }: Properties) {
    this.def = def
    this.repr = repr
    this.base = base
    this.unknown = unknown ?? false
    this.secret = secret ?? false
    this.final = final ?? false
    this.rotateOnly = rotateOnly ?? false
    this.#ownSchema = schema ?? (this.unknown ? true : undefined)
    this.before = before
    this.overUnknown = base !== undefined && (base.unknown || base.overUnknown)
    let depth = base?.depth ?? 0
    let holdsBefore = before !== undefined || (base?.holdsBefore ?? false)
    for (const child of childrenOf(repr)) {
      if (child.depth >= depth) depth = child.depth + 1
      holdsBefore ||= child.holdsBefore
    }
    this.depth = depth
    this.holdsBefore = holdsBefore
    this.bases = base ? base.bases + 1 : 0
  }

  with(changes: Partial<Properties>): EvaluatedValue {
    const { def, repr, base, unknown, secret, final, rotateOnly } = this
    const own = { def, repr, base, schema: this.#ownSchema, unknown, secret, final, rotateOnly }
    return new EvaluatedValue({ ...own, ...changes })
  }

  /** The same value as that of an expression which refers to it. */
  referredToBy(def: Definition): EvaluatedValue {
    const copy = this.with({ def, rotateOnly: false })
    if (!this.unknown) copy.#shared = this.#derived
    return copy
  }

  get #derived(): Derived {
    return (this.#shared ??= {})
  }

  get schema(): Schema {
    this.#derived.schema ??= mergedSchema(this.base?.schema, this.#ownSchema ?? schemaOf(this.repr))
    return this.#derived.schema
  }

  get object(): ReadonlyMap<string, EvaluatedValue> | undefined {
    return this.repr instanceof Map ? (this.repr as ReadonlyMap<string, EvaluatedValue>) : undefined
  }

  get array(): readonly EvaluatedValue[] | undefined {
    return Array.isArray(this.repr) ? (this.repr as readonly EvaluatedValue[]) : undefined
  }

  /** True when this is, or for an unknown value may be, an object. */
  get mayBeObject(): boolean {
    if (!this.unknown) return this.object !== undefined
    return this.schema === true || (typeof this.schema === 'object' && this.schema.type === 'object')
  }

  /** Own and inherited keys, in order; inheritance ends at the first value that is no object. */
  get keys(): readonly string[] {
    this.#derived.keys ??= [...this.#merged.keys()].sort(compareKeys)
    return this.#derived.keys
  }

  /** `place`: of whoever asks, where a property that is not known yet is shown. */
  property(name: string, place: Place = this.def): EvaluatedValue | undefined {
    const known = this.#merged.get(name)
    if (known) return known
    let bottom = this.object && this.base
    while (bottom?.object) bottom = bottom.base
    if (this.unknown) return this.#lateProperty(name, place)
    return bottom?.unknown ? bottom.#lateProperty(name, place) : undefined
  }

  /** Own and inherited properties. */
  get #merged(): ReadonlyMap<string, EvaluatedValue> {
    const own = this.object
    if (!own) return NO_PROPERTIES
    if (!this.base?.object) return own
    if (!this.#derived.properties) {
      const merged = new Map(own)
      for (let at: EvaluatedValue | undefined = this.base; at?.object; at = at.base) {
        for (const [key, value] of at.object) if (!merged.has(key)) merged.set(key, value)
      }
      this.#derived.properties = merged
    }
    return this.#derived.properties
  }

  /** A property of a value that is not known yet; the same one each time for one place. */
  #lateProperty(name: string, place: Place): EvaluatedValue {
    this.#own ??= {}
    const late = (this.#own.late ??= new Map<string, EvaluatedValue>())
    const known = late.get(name)
    if (known?.def.range === place.range && known) return known
    const schema = propertySchema(this.schema, name)
    const base = this.base?.property(name, place)
    const def = new AccessDefinition(this, name, schema, base, place)
    const value = new EvaluatedValue({ def, schema, base, unknown: true })
    late.set(name, value)
    return value
  }

  /**
   * This value laid over `base`, property by property; whatever already lies beneath it stays in between. A value is
   * not laid over itself, unless `isCopy`: an import or a reference takes a copy, which may lie over its original.
   * `replaced`: what already lies over all of it, wherever that is found beneath this one, as `base` itself.
   */
  over(base: EvaluatedValue | undefined, isCopy = false, replaced?: EvaluatedValue): EvaluatedValue {
    if (!base || (!isCopy && this.#is(base))) return this
    if (this === replaced) return base
    const last = this.#own?.lastOver
    if (last?.base === base && last.isCopy === isCopy && last.replaced === replaced) return last.result
    const beneath = this.base ? this.base.over(base, isCopy, replaced) : base
    let repr = this.repr
    if (this.object) {
      const merged = new Map<string, EvaluatedValue>()
      for (const [name, child] of this.object) {
        // what the new base does not have changes nothing in the layers above it
        const below = base.property(name) && beneath.property(name, child.def)
        merged.set(name, below ? child.over(below, isCopy, this.base?.property(name)) : child)
      }
      repr = merged
    }
    const result = this.base === beneath ? this : this.with({ base: beneath, repr })
    this.#own ??= {}
    this.#own.lastOver = { base, isCopy, replaced, result }
    return result
  }

  /** The same value, or the same property of the same unknown one, asked for from another place. */
  #is(other: EvaluatedValue): boolean {
    if (this === other) return true
    const { def } = this
    if (!(def instanceof AccessDefinition) || !(other.def instanceof AccessDefinition)) return false
    return def.key === other.def.key && def.receiver.#is(other.def.receiver)
  }

  get containsUnknown(): boolean {
    return this.#scan().unknown
  }

  get containsSecret(): boolean {
    return this.#scan().secret
  }

  /** True when something is unknown that is not merely kept back until the next rotation. */
  get containsObservableUnknown(): boolean {
    return this.#scan().observable
  }

  /** Nodes of the value, inherited ones included. */
  get size(): number {
    return this.#scan().size
  }

  #scan(): Nested {
    const { unknown, secret } = this
    if (!unknown && !this.array && !this.object) return secret ? KNOWN_SECRET : KNOWN
    if (this.#derived.nested) return this.#derived.nested
    const found = { unknown, secret, observable: unknown && !this.rotateOnly, size: 1 }
    if (!unknown) {
      for (const child of this.array ?? this.#merged.values()) {
        const inner = child.#scan()
        found.unknown ||= inner.unknown
        found.secret ||= inner.secret
        found.observable ||= inner.observable
        found.size += inner.size
      }
    }
    this.#derived.nested = found
    return found
  }
}

function childrenOf(repr: Representation): Iterable<EvaluatedValue> {
  if (repr instanceof Map) return (repr as ReadonlyMap<string, EvaluatedValue>).values()
  return Array.isArray(repr) ? (repr as readonly EvaluatedValue[]) : []
}

function schemaOf(repr: Representation): Schema {
  if (repr === null) return NULL_SCHEMA
  if (typeof repr === 'boolean') return constant('boolean', repr)
  if (typeof repr === 'string') return constant('string', repr)
  if (repr instanceof JsonNumber) return constant('number', repr)
  if (Array.isArray(repr)) return tuple((repr as readonly EvaluatedValue[]).map((item) => item.schema))
  const properties = repr as ReadonlyMap<string, EvaluatedValue>
  return record([...properties].map(([name, value]) => [name, value.schema] as const))
}

/** Marks every string, number, boolean, null and container inside as secret. */
export function deeplySecret(value: EvaluatedValue): EvaluatedValue {
  if (value.array) return value.with({ secret: true, repr: value.array.map(deeplySecret) })
  if (!value.object) return value.with({ secret: true })
  return value.with({
    secret: true,
    repr: new Map([...value.object].map(([name, child]) => [name, deeplySecret(child)] as const)),
  })
}

/** False when there would be more layers than the stack bears. */
export function mayLieOver(value: EvaluatedValue, base: EvaluatedValue | undefined): boolean {
  return !base || value.base === base || value.bases + base.bases < limits.layers
}

export function layersMessage(): string {
  return `merging is limited to ${limits.layers} layers`
}
