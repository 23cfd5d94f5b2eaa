/** The kinds of targets that the fire burns at: one line each. Nothing but the list. */
import { awsIamKind } from './aws-iam.ts'
import { mysqlKind } from './mysql.ts'
import { postgresKind } from './postgres.ts'
import { postgresByLambdaKind } from './postgres-by-lambda.ts'
import type { TargetKind } from './target.ts'

export const TARGET_KINDS: TargetKind[] = [postgresKind, mysqlKind, awsIamKind]

/** Those at which a worker is halted between two steps. */
export const HALTED_KINDS: TargetKind[] = [...TARGET_KINDS, postgresByLambdaKind]
