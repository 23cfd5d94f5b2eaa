/** Where routes look for it; the words are the model's. */
export { parseGoDuration } from '../model/go-duration.ts'
