/** The log of one request: its last line costs little, and a logger of its own is made only where there are others. */
import { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Bindings, ChildLoggerOptions, Level, Logger } from 'pino'

type Line = [object: unknown, message?: string]

/** What every line of a request has, before anything was logged of it. */
export class RequestLogger implements FastifyBaseLogger {
  readonly bindings: Bindings
  readonly #parent: Logger
  #made: Logger | undefined

  constructor(parent: Logger, bindings: Bindings) {
    this.#parent = parent
    this.bindings = bindings
  }

  get level(): string {
    return this.#parent.level
  }

  child(bindings: Bindings, options?: ChildLoggerOptions): FastifyBaseLogger {
    const all = { ...this.bindings, ...bindings }
    return options ? this.#parent.child(all, options) : new RequestLogger(this.#parent, all)
  }

  fatal(...line: Line): void {
    this.#log('fatal', line)
  }

  error(...line: Line): void {
    this.#log('error', line)
  }

  warn(...line: Line): void {
    this.#log('warn', line)
  }

  info(...line: Line): void {
    this.#log('info', line)
  }

  debug(...line: Line): void {
    this.#log('debug', line)
  }

  trace(...line: Line): void {
    this.#log('trace', line)
  }

  silent(): void {}

  #log(level: Level, line: Line): void {
    if (!this.#parent.isLevelEnabled(level)) return
    this.#made ??= this.#parent.child(this.bindings)
    this.#made[level](...line)
  }
}

/** One line for each request, when it has ended; when it begins only for who wants to see everything. */
export class RequestLog extends LogController {
  readonly #last: Logger

  /** `last`: for the last lines of requests, which need no redaction: nothing in them is somebody else's. */
  constructor(last: Logger) {
    super({ requestIdLogLabel: 'requestId' })
    this.#last = last
  }

  override incomingRequest(request: FastifyRequest): void {
    request.log.debug({ req: request }, 'incoming request')
  }

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const { elapsedTime: responseTime, log } = reply
    const ended = { req: request, res: reply, responseTime }
    if (error) log.error({ ...ended, err: error }, 'request errored')
    else if (log instanceof RequestLogger) this.#last.info({ ...log.bindings, ...ended }, 'request completed')
    else log.info(ended, 'request completed')
  }
}
