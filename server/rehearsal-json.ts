/** A dry run as the API tells it: an extra of Rekey, with the names that its rotation events use. */
import type { RehearsalResult, RehearsedPath } from '../model/rehearsal.ts'

export function rehearsalJson({ revision, underWay, refused, paths }: RehearsalResult) {
  return {
    /** What the whole rotation would come to, in the words of an event. */
    status: refused || paths.some(({ expected }) => expected === 'failed') ? 'failed' : statusOf(paths),
    revision,
    ...(underWay && { underWay }),
    ...(refused && { errorCode: refused.code, errorMessage: refused.message }),
    rotations: paths.map(pathJson),
  }
}

function statusOf(paths: RehearsedPath[]): 'succeeded' | 'unknown' {
  return paths.some(({ expected }) => expected === 'unknown') ? 'unknown' : 'succeeded'
}

function pathJson(told: RehearsedPath) {
  const { path, rotator, targets, expected, code, message, notBefore, isFirst, writes, first } = told
  return {
    environmentPath: path,
    ...(rotator !== '' && { rotator }),
    targets,
    expected,
    ...(code !== null && { errorCode: code }),
    ...(message !== null && { errorMessage: message }),
    ...(notBefore !== null && { notBefore }),
    firstRotation: isFirst,
    ...(writes !== null && { writes }),
    first,
    unsettled: told.unsettled,
    warnings: told.warnings,
  }
}
