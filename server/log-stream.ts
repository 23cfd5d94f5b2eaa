/**
 * Where a program's log lines go: standard output. Lines of one turn of the event loop are written at once, as a busy
 * server has many of them; none waits longer than that, and none is lost when the process ends by itself.
 */
import { pino } from 'pino'

/** Bytes that are not kept back even within a turn. */
const AT_MOST = 8 * 1024

export interface LogStream {
  write(line: string): void
}

export function openLogStream(fd = 1): LogStream {
  const out = pino.destination({ fd, sync: true, minLength: AT_MOST })
  let due = false
  const flush = () => {
    due = false
    out.flush()
  }
  // What was written in the last turn, that of an uncaught error included.
  process.once('exit', () => {
    try {
      out.flushSync()
    } catch {
      // Nobody reads it any more.
    }
  })
  return {
    write: (line) => {
      out.write(line)
      if (due) return
      due = true
      setImmediate(flush)
    },
  }
}
