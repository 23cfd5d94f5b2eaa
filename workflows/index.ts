/** Everything that the workflow bundle registers. */
export { rotateEnvironment } from './rotate-environment.ts'
export { sweepUnsettled } from './sweep-unsettled.ts'
