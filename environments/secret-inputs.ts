/**
 * Inputs that a person marked secret. A target is written down and shown in clear, so none may be made of them; and
 * what a rotator says about its inputs is shown too, so they are taken out of its words.
 */
import { isObjectValue, toPlain, type Value } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { AnyRotator } from '../rotators/rotator.ts'

/** Shorter ones would tear words apart that have nothing to do with them. */
const SHORTEST = 3

/**
 * The targets that inputs name.
 * @throws RotationFailure INPUT_INVALID, also when a secret one would show in them.
 */
export function targetsOf(rotator: AnyRotator, inputs: Value): string[] {
  const secrets = secretTexts(inputs)
  const targets = withoutSecrets(secrets, () => rotator.targets(toPlain(inputs)))
  // Rotated without a claim it could be rotated twice: only what nothing outside knows may be.
  if ((targets.length === 0) !== (rotator.withoutTarget === true)) throw new RotationFailure('INTERNAL')
  if (secrets.length > 0 && targets.length > 0 && targets.join() !== maskedTargets(rotator, inputs)) {
    throw new RotationFailure(
      'INPUT_INVALID',
      'the inputs that say where and which user to rotate are shown to operators: they must not be secret',
    )
  }
  return targets
}

/** Runs a rotator's code: secret inputs in the words of its failures read `[secret]`. */
export function withoutSecrets<T>(secrets: string[], work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw redactFailure(error, secrets)
  }
}

/** The same failure, its words without the secrets; any other error as it is. */
export function redactFailure(error: unknown, secrets: string[]): unknown {
  if (!(error instanceof RotationFailure)) return error
  const words = redactWords(error.message, secrets)
  if (words === error.message) return error
  return error.withWords(words)
}

/** Words without the secrets in them. */
export function redactWords(words: string, secrets: string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), words)
}

/** Every secret text in a value, the longest first. */
export function secretTexts(value: Value): string[] {
  const found = new Set<string>()
  walk(value, false, (text) => void found.add(text))
  return [...found].filter((text) => text.length >= SHORTEST).sort((a, b) => b.length - a.length)
}

/** The targets if every secret text were another one; undefined where they cannot be told then. */
function maskedTargets(rotator: AnyRotator, inputs: Value): string | undefined {
  let masked = 0
  const mask = (value: Value, secret: boolean): Value => {
    const hidden = secret || value.secret === true
    const content = value.value
    if (Array.isArray(content)) return { ...value, value: content.map((part) => mask(part, hidden)) }
    if (isObjectValue(content)) {
      const entries = Object.entries(content).map(([key, part]) => [key, mask(part, hidden)] as const)
      return { ...value, value: Object.fromEntries(entries) }
    }
    return hidden && typeof content === 'string' ? { ...value, value: `masked-${(masked += 1)}` } : value
  }
  try {
    return rotator.targets(toPlain(mask(inputs, false))).join()
  } catch {
    return undefined
  }
}

function walk(value: Value, secret: boolean, found: (text: string) => void): void {
  const hidden = secret || value.secret === true
  const content = value.value
  if (Array.isArray(content)) for (const part of content) walk(part, hidden, found)
  else if (isObjectValue(content)) for (const part of Object.values(content)) walk(part, hidden, found)
  else if (hidden && typeof content === 'string') found(content)
}
