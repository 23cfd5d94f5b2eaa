/** How long one attempt at one path may take: what Temporal gives it, and what a worker that is told to stop waits for. */

/** Milliseconds. Longer than an attempt waits by its own deadlines; what takes longer is a worker that is gone or stopped. */
export const ATTEMPT_LIMIT = 5 * 60_000
