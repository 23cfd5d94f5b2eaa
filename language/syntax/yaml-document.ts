/** The only place that knows the YAML library: text → its composed tree, or the first error. Never throws. */
import { Composer, CST, Parser, type ParsedNode } from 'yaml'
import { limits } from '../limits.ts'

export interface YamlError {
  message: string
  /** UTF-16 offset of the offending text. */
  offset: number
}
export type YamlResult = { contents: ParsedNode | null } | { error: YamlError }

class FirstError extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

// Two tokens are open per level at most. The exact depth is counted on the finished tree; this only keeps the
// library's own recursion short.
const MAX_OPEN_TOKENS = 2 * limits.nesting + 20

// each of them starts a key or an item
const INDICATORS: ReadonlySet<string> = new Set([':', '-', ',', '?'])

/** What the library keeps to itself of its state while it takes tokens in. */
interface ParserState {
  source: string
  type: string
  offset: number
  indent: number
  atScalar: boolean
  atNewLine: boolean
  stack: unknown[]
  step(): Tokens
  pop(error: object): Tokens
}
type Tokens = ReturnType<Parser['next']>

class BoundedParser extends Parser {
  #tokens = 0
  #entries = 0;

  /** Takes the next token in as the library does, but counts, and asks the environment of the process nothing. */
  override *next(source: string): Tokens {
    const state = this as unknown as ParserState
    this.#count(source, state)
    state.source = source
    if (state.atScalar) {
      state.atScalar = false
      yield* state.step()
      state.offset += source.length
      return
    }
    const type = CST.tokenType(source)
    if (type === null) {
      const message = `Not a YAML token: ${source}`
      yield* state.pop({ type: 'error', offset: state.offset, message, source })
      state.offset += source.length
    } else if (type === 'scalar') {
      state.atNewLine = false
      state.atScalar = true
      state.type = 'scalar'
    } else {
      state.type = type
      yield* state.step()
      if (type !== 'doc-mode' && type !== 'flow-error-end') advance(state, type)
    }
  }

  #count(source: string, { stack, offset }: ParserState): void {
    const refuse = (message: string): never => {
      throw new FirstError(message, offset)
    }
    this.#tokens += 1
    if (INDICATORS.has(source)) this.#entries += 1
    if (stack.length > MAX_OPEN_TOKENS) refuse(nestingMessage())
    if (this.#entries > limits.entries) refuse(`a definition is limited to ${limits.values} values`)
    if (this.#tokens > limits.tokens) refuse(`a definition is limited to ${limits.tokens} tokens`)
  }
}

function advance(state: ParserState, type: string): void {
  const { source } = state
  if (type === 'newline') {
    state.atNewLine = true
    state.indent = 0
  } else if (type === 'space') {
    if (state.atNewLine && source.startsWith(' ')) state.indent += source.length
  } else if (type === 'explicit-key-ind' || type === 'map-value-ind' || type === 'seq-item-ind') {
    if (state.atNewLine) state.indent += source.length
  } else {
    state.atNewLine = false
  }
  state.offset += source.length
}

export function nestingMessage(): string {
  return `nesting is limited to ${limits.nesting} levels`
}

/** Composes the first document of the text; what follows it is not looked at. */
export function composeYaml(text: string): YamlResult {
  const composer = new Composer<ParsedNode, false>({
    schema: 'failsafe',
    keepSourceTokens: true,
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  // the library collects every error, which takes seconds on a hostile text: the first one is enough
  Reflect.set(composer, 'onError', throwFirst())
  try {
    for (const document of composer.compose(tokens(text))) return { contents: document.contents }
    return { contents: null }
  } catch (error) {
    if (error instanceof FirstError) return { error: { message: error.message, offset: error.offset } }
    throw error
  }
}

// up to where the next document starts, if the first one ends properly
function* tokens(text: string): Generator<CST.Token> {
  const parser = new BoundedParser()
  for (const token of parser.parse(text)) {
    if (token.type === 'error') throw new FirstError(withoutSource(token.message), token.offset)
    yield token
    const cause = Reflect.get(parser, 'type') as string
    if (token.type === 'document' && (cause === 'doc-start' || cause === 'doc-end')) return
  }
}

type ErrorSource = number | [number, number] | { offset: number }

// the library catches errors in collections and reports them again, at the collection: the first one stands
function throwFirst() {
  let first: FirstError | undefined
  return (source: ErrorSource, _code: string, message: string, warning?: boolean): void => {
    if (warning) return
    const offset = typeof source === 'number' ? source : Array.isArray(source) ? source[0] : source.offset
    first ??= new FirstError(withoutSource(message), offset)
    throw first
  }
}

// some messages quote the text, which may be a secret
function withoutSource(message: string): string {
  return message.replace(/(extra characters|Not a YAML token|escape sequence)[^]*$/, '$1')
}
