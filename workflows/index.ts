/** Everything that the workflow bundle registers. */
export { rehearseRotation } from './rehearse-rotation.ts'
export { rotateEnvironment } from './rotate-environment.ts'
export { sweepUnsettled } from './sweep-unsettled.ts'
