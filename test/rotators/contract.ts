/**
 * The contract suite: what every rotator has to keep to, on a real target. A rotator's own test file calls it with a
 * subject that knows the target from outside; nothing in here knows what kind of target that is. A rotator without a
 * target is held to what can be asked of it.
 */
import { describe, expect, test } from 'vitest'
import { bench } from './contract/bench.ts'
import type { Subject } from './contract/bench.ts'
import { generatedCases, type GeneratedSubject } from './contract/generated.ts'
import { interruptedCases } from './contract/interrupted.ts'
import { lateCases } from './contract/late.ts'
import { refusedCases } from './contract/refused.ts'
import { rehearsingCases } from './contract/rehearsing.ts'
import { rotatingCases } from './contract/rotating.ts'

export function contractSuite<Inputs, Credential, Prepared>(
  subject: Subject<Inputs, Credential, Prepared> | GeneratedSubject<Inputs>,
): void {
  if ('allowed' in subject) {
    describe('values that nothing outside knows', () => generatedCases(subject))
    return
  }
  test('has a target', () => expect(subject.rotator.withoutTarget).toBeUndefined())
  describe('rotating', () => rotatingCases(bench(subject)))
  describe('rehearsing', () => rehearsingCases(bench(subject)))
  describe('answers that get lost', () => interruptedCases(bench(subject)))
  describe('changes that come late', () => lateCases(bench(subject)))
  describe('what cannot work', () => refusedCases(bench(subject)))
}
