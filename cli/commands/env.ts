/** `rekey env`: everything about environments. */
import type { Command } from 'commander'
import { group } from '../command.ts'
import type { Context } from '../context.ts'
import { addEnvCheck } from './env/check.ts'
import { addEnvClone } from './env/clone.ts'
import { addEnvEdit } from './env/edit.ts'
import { addEnvForget } from './env/forget.ts'
import { addEnvGet } from './env/get.ts'
import { addEnvHistory } from './env/history.ts'
import { addEnvInit } from './env/init.ts'
import { addEnvLs } from './env/ls.ts'
import { addEnvOpen } from './env/open.ts'
import { addEnvRevision } from './env/revision.ts'
import { addEnvRm } from './env/rm.ts'
import { addEnvRotate } from './env/rotate.ts'
import { addEnvRun } from './env/run.ts'
import { addEnvSchedule } from './env/schedule.ts'
import { addEnvSet } from './env/set.ts'
import { addEnvUndo } from './env/undo.ts'

export function addEnv(program: Command, context: Context): void {
  const env = group(
    program,
    'env',
    'environments: [organization/][project/]name[@revision or tag]',
    'rekey env rotate billing/production',
  ).enablePositionalOptions()
  for (const add of [
    addEnvInit,
    addEnvLs,
    addEnvGet,
    addEnvEdit,
    addEnvSet,
    addEnvRm,
    addEnvCheck,
    addEnvClone,
    addEnvOpen,
    addEnvRun,
    addEnvRotate,
    addEnvUndo,
    addEnvForget,
    addEnvHistory,
    addEnvRevision,
    addEnvSchedule,
  ])
    add(env, context)
}
