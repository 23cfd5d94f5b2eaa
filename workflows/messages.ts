/** What the outside may say to a rotation workflow. Messages only wake it: what is asked for is in the store. */
import { defineSignal, defineUpdate } from '@temporalio/workflow'

/** Sent by the API after it has written a request. Its answer says only that the workflow has heard it. */
export const requestRotation = defineUpdate<void>('requestRotation')

/** For operators in the Temporal UI: rotate everything now, with the rights of the schedule's owner. */
export const rotateNow = defineSignal('rotateNow')
